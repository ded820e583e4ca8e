#include "reel/kernels/dnn.h"

#include <algorithm>
#include <cstddef>
#include <dnnl.hpp>
#include <utility>
#include <vector>

#include "reel/kernels/buffer.h"
#include "reel/kernels/conv_cut.h"
#include "reel/kernels/dnn_primitives.h"
#include "reel/kernels/parallel.h"
#include "reel/kernels/thread_scope.h"

namespace reel::kernels {
namespace {

using dnn::attributes;
using dnn::building;
using dnn::Call;
using dnn::Context;
using dnn::context;
using dnn::ConvCall;
using dnn::ConvKey;
using dnn::Desc;
using dnn::describe;
using dnn::describe_backward;
using dnn::engine;
using dnn::MatmulKey;
using Tag = dnnl::memory::format_tag;
using DnnDims = dnnl::memory::dims;

constexpr auto f32 = dnnl::memory::data_type::f32;
constexpr auto direct = dnnl::algorithm::convolution_direct;

// Convolutions are cut into pieces of about so many multiply-adds, at least in two from the second
// number on. Pieces depend on the shape only, and each runs on one thread: so do the sums.
constexpr Size piece_work = Size{8} << 20, serial_work = Size{1} << 20;
constexpr Size max_pieces = 32;
// The weight gradient is summed in parts of about this many multiply-adds.
constexpr Size part_work = 25'000'000;
constexpr Size max_parts = 16;
constexpr std::size_t max_parts_bytes = std::size_t{32} << 20;

// ---- products

Call make_matmul(const DnnMatmul& s) {
  return building("matmul", [&] {
    const Desc a({s.m, s.k}, f32, DnnDims{s.a_row, s.a_col});
    const Desc b({s.k, s.n}, f32, DnnDims{s.b_row, s.b_col});
    const Desc c({s.m, s.n}, f32, DnnDims{s.c_row, 1});
    const Desc bias = s.bias ? Desc({1, s.n}, f32, DnnDims{s.n, 1}) : Desc();
    const auto desc = describe<dnnl::matmul>(attributes(s.accumulate), a, b, bias, c);
    return Call(
        desc, dnnl::matmul(desc),
        {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}, {DNNL_ARG_BIAS, bias}});
  });
}

// ---- convolutions

Size multiply_adds(const ConvShape& s) { return s.batch * out_pixels(s) * weight_count(s); }

/// The padding behind the last row that makes the sizes fit exactly; negative where a stride leaves
/// rows unread.
Size padding_after(const WindowAxis& a) {
  return (a.out - 1) * a.stride + reach(a) - a.in - a.padding;
}

/// `first`, then what `of` says of each axis. Images without depth are 2-D to oneDNN.
template <class Of>
DnnDims dims(const ConvShape& s, DnnDims first, const Of& of) {
  if (!is_flat(s.depth)) first.push_back(of(s.depth));
  first.push_back(of(s.rows));
  first.push_back(of(s.columns));
  return first;
}

ConvCall make_conv(ConvKind kind, const ConvShape& s, bool bias) {
  const bool flat = is_flat(s.depth);
  const Tag images = flat ? Tag::nhwc : Tag::ndhwc;
  const DnnDims x_dims = dims(s, {s.batch, s.in_channels}, [](auto& a) { return a.in; });
  const DnnDims y_dims = dims(s, {s.batch, s.out_channels}, [](auto& a) { return a.out; });
  const Size in = s.in_channels / s.groups, out = s.out_channels / s.groups;
  const bool grouped = s.groups > 1;
  const DnnDims w_dims = dims(s, grouped ? DnnDims{s.groups, out, in} : DnnDims{out, in},
                              [](auto& a) { return a.kernel; });
  const DnnDims strides = dims(s, {}, [](auto& a) { return a.stride; });
  const DnnDims dilates = dims(s, {}, [](auto& a) { return a.dilation - 1; });
  const DnnDims before = dims(s, {}, [](auto& a) { return a.padding; });
  const DnnDims after = dims(s, {}, padding_after);
  const Desc x(x_dims, f32, images), y(y_dims, f32, images), w(w_dims, f32, Tag::any);
  const Desc plain(
      w_dims, f32,
      flat ? (grouped ? Tag::goihw : Tag::oihw) : (grouped ? Tag::goidhw : Tag::oidhw));
  const Desc b = bias ? Desc({s.out_channels}, f32, Tag::a) : Desc();
  const auto training = dnnl::prop_kind::forward_training;
  const dnnl::primitive_attr attr = attributes(false);

  ConvCall result;
  auto keep_weights = [&](const Desc& own, bool unpack) {
    result.weights = own;
    result.reorders = own != plain;
    if (!result.reorders) return;
    const Desc& from = unpack ? own : plain;
    const Desc& to = unpack ? plain : own;
    const dnnl::reorder::primitive_desc desc(engine(), from, engine(), to, attributes(false));
    result.reorder = Call(desc, dnnl::reorder(desc), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
  };
  return building("conv", [&] {
    const auto forward = describe<dnnl::convolution_forward>(attr, training, direct, x, w, b, y,
                                                             strides, dilates, before, after);
    if (kind == ConvKind::forward) {
      const Desc own = forward.weights_desc();
      keep_weights(own, false);
      result.call =
          Call(forward, dnnl::convolution_forward(forward),
               {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, own}, {DNNL_ARG_DST, y}, {DNNL_ARG_BIAS, b}});
    } else if (kind == ConvKind::input) {
      const auto desc = describe_backward<dnnl::convolution_backward_data>(
          attr, forward, direct, x, w, y, strides, dilates, before, after);
      const Desc own = desc.weights_desc();
      keep_weights(own, false);
      result.call = Call(desc, dnnl::convolution_backward_data(desc),
                         {{DNNL_ARG_DIFF_DST, y}, {DNNL_ARG_WEIGHTS, own}, {DNNL_ARG_DIFF_SRC, x}});
    } else {
      const auto desc = describe_backward<dnnl::convolution_backward_weights>(
          attr, forward, direct, x, w, b, y, strides, dilates, before, after);
      const Desc own = desc.diff_weights_desc();
      keep_weights(own, true);
      result.call = Call(desc, dnnl::convolution_backward_weights(desc),
                         {{DNNL_ARG_SRC, x},
                          {DNNL_ARG_DIFF_DST, y},
                          {DNNL_ARG_DIFF_WEIGHTS, own},
                          {DNNL_ARG_DIFF_BIAS, b}});
    }
    return std::move(result);
  });
}

ConvCall& conv_call(Context& mine, ConvKind kind, const ConvShape& s, bool bias) {
  ConvKey key{static_cast<Size>(kind) * 2 + bias, s.batch, s.groups, s.in_channels, s.out_channels};
  auto next = key.begin() + 5;
  for (const WindowAxis* a : {&s.depth, &s.rows, &s.columns}) {
    for (const Size value : {a->in, a->out, a->kernel, a->stride, a->padding, a->dilation})
      *next++ = value;
  }
  return mine.convs.get(key, [&] { return make_conv(kind, s, bias); });
}

// ---- convolutions in pieces

/// The weights in the formats that pieces want, each made once.
class PackedWeights {
 public:
  explicit PackedWeights(const float* plain) : plain_(plain) {}

  void add(Context& mine, ConvCall& conv) {
    if (find(conv) != nullptr) return;
    Buffer packed(conv.weights.get_size());
    conv.reorder.run(mine.stream, {plain_, packed.data()});
    made_.emplace_back(conv.weights, std::move(packed));
  }
  const float* find(const ConvCall& conv) const {
    if (!conv.reorders) return plain_;
    for (const auto& [desc, packed] : made_) {
      if (desc == conv.weights) return packed.data();
    }
    return nullptr;
  }

 private:
  const float* plain_;
  std::vector<std::pair<Desc, Buffer>> made_;
};

/// Calls `run(stream, call, piece, weights)` for every piece of a convolution.
template <class F>
void for_pieces(ConvKind kind, const ConvShape& s, bool bias, const float* w, const F& run) {
  const Size work = multiply_adds(s);
  const ConvCut cut(s, kind,
                    std::clamp<Size>(work / piece_work, work < serial_work ? 1 : 2, max_pieces));
  const SingleThreadScope scope;
  PackedWeights packed(w);
  for (Size i = 0; i < cut.pieces(); ++i)
    packed.add(context(), conv_call(context(), kind, cut.piece(i).shape, bias));
  parallel_for(cut.pieces(), 1, [&](Size begin, Size end) {
    Context& mine = context();
    for (Size i = begin; i < end; ++i) {
      const ConvPiece piece = cut.piece(i);
      ConvCall& conv = conv_call(mine, kind, piece.shape, bias);
      run(mine.stream, conv.call, piece, packed.find(conv));
    }
  });
}

/// A 1x1 convolution that skips pixels.
bool is_sparse(const ConvShape& s) {
  return cell_count(s) == 1 && (s.depth.stride > 1 || s.rows.stride > 1 || s.columns.stride > 1);
}

/// The pixels that a 1x1 convolution reads, side by side: `x` [batch, out pixels, in_channels] of
/// the convolution with stride 1 and no padding that `shape` describes.
struct Dense {
  ConvShape shape;
  Buffer x;
};

Dense read_pixels(const ConvShape& s, const float* x) {
  Dense dense{
      s, Buffer(static_cast<std::size_t>(s.batch * out_pixels(s) * s.in_channels) * sizeof(float))};
  for (WindowAxis* axis : {&dense.shape.depth, &dense.shape.rows, &dense.shape.columns})
    *axis = {.in = axis->out, .out = axis->out};
  // Where window `out` reads, if that is a pixel; else -1.
  const auto read = [](const WindowAxis& a, Size out) {
    const Size in = out * a.stride - a.padding;
    return in >= 0 && in < a.in ? in : -1;
  };
  float* to = dense.x.data();
  for (Size n = 0; n < s.batch; ++n) {
    for (Size od = 0; od < s.depth.out; ++od) {
      const Size id = read(s.depth, od);
      for (Size oh = 0; oh < s.rows.out; ++oh) {
        const Size ih = read(s.rows, oh);
        const Size row = ((n * s.depth.in + id) * s.rows.in + ih) * s.columns.in;
        for (Size ow = 0; ow < s.columns.out; ++ow, to += s.in_channels) {
          const Size iw = read(s.columns, ow);
          if (id < 0 || ih < 0 || iw < 0) {
            std::fill_n(to, s.in_channels, 0.f);
          } else {
            std::copy_n(x + (row + iw) * s.in_channels, s.in_channels, to);
          }
        }
      }
    }
  }
  return dense;
}

void conv_weight_part(const ConvShape& s, const float* x, const float* dy, float* dw, float* db) {
  if (is_sparse(s)) {
    // oneDNN 2.6 gathers these pixels itself, and with few channels past the end of its scratchpad.
    const Dense dense = read_pixels(s, x);
    return conv_weight_part(dense.shape, dense.x.data(), dy, dw, db);
  }
  const SingleThreadScope scope;
  Context& mine = context();
  ConvCall& conv = conv_call(mine, ConvKind::weight, s, db != nullptr);
  const Buffer packed(conv.reorders ? conv.weights.get_size() : 0);
  float* own = conv.reorders ? packed.data() : dw;
  if (db != nullptr) {
    conv.call.run(mine.stream, {x, dy, own, db});
  } else {
    conv.call.run(mine.stream, {x, dy, own});
  }
  if (conv.reorders) conv.reorder.run(mine.stream, {own, dw});
}

}  // namespace

void dnn_matmul(const DnnMatmul& s, const float* a, const float* b, const float* bias, float* c) {
  const SingleThreadScope scope;
  Context& mine = context();
  const MatmulKey key{
      s.m, s.n, s.k, s.a_row, s.a_col, s.b_row, s.b_col, s.c_row, s.bias * 2 + s.accumulate};
  Call& call = mine.matmuls.get(key, [&] { return make_matmul(s); });
  if (s.bias) {
    call.run(mine.stream, {a, b, c, bias});
  } else {
    call.run(mine.stream, {a, b, c});
  }
}

void dnn_conv(const ConvShape& s, const float* x, const float* w, const float* bias, float* y) {
  for_pieces(ConvKind::forward, s, bias != nullptr, w,
             [&](dnnl::stream& stream, Call& call, const ConvPiece& piece, const float* weights) {
               if (bias != nullptr) {
                 call.run(stream, {x + piece.x, weights, y + piece.y, bias});
               } else {
                 call.run(stream, {x + piece.x, weights, y + piece.y});
               }
             });
}

void dnn_conv_input(const ConvShape& s, const float* dy, const float* w, float* dx) {
  for_pieces(ConvKind::input, s, false, w,
             [&](dnnl::stream& stream, Call& call, const ConvPiece& piece, const float* weights) {
               call.run(stream, {dy + piece.y, weights, dx + piece.x});
             });
}

void dnn_conv_weight(const ConvShape& s, const float* x, const float* dy, float* dw, float* db) {
  const Size count = weight_count(s);
  const Size stride = (count + s.out_channels + 15) / 16 * 16;  // of one part: dw, then db
  const auto fitting = static_cast<Size>(max_parts_bytes / (static_cast<std::size_t>(stride) * 4));
  const ConvCut cut(
      s, ConvKind::weight,
      std::clamp<Size>(multiply_adds(s) / part_work, 1, std::clamp<Size>(fitting, 1, max_parts)));
  const Size parts = cut.pieces();
  if (parts == 1) return conv_weight_part(s, x, dy, dw, db);

  const Buffer sums(static_cast<std::size_t>(parts * stride) * sizeof(float));
  parallel_for(parts, 1, [&](Size begin, Size end) {
    for (Size part = begin; part < end; ++part) {
      const ConvPiece piece = cut.piece(part);
      float* sum = sums.data() + part * stride;
      conv_weight_part(piece.shape, x + piece.x, dy + piece.y, sum,
                       db != nullptr ? sum + count : nullptr);
    }
  });
  auto add_up = [&](const float* from, float* to, Size n) {
    std::copy_n(from, n, to);
    for (Size part = 1; part < parts; ++part) {
      for (Size i = 0; i < n; ++i) to[i] += from[part * stride + i];
    }
  };
  add_up(sums.data(), dw, count);
  if (db != nullptr) add_up(sums.data() + count, db, s.out_channels);
}

}  // namespace reel::kernels
