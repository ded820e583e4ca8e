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

Size multiply_adds(const ConvShape& s) {
  return s.batch * s.out_channels * s.out_h * s.out_w * (s.in_channels / s.groups) * s.kernel_h *
         s.kernel_w;
}

Size weight_count(const ConvShape& s) {
  return s.out_channels * (s.in_channels / s.groups) * s.kernel_h * s.kernel_w;
}

/// The padding behind the last row that makes the sizes fit exactly; negative where a stride leaves
/// rows unread.
Size padding_after(Size in, Size out, Size kernel, Size stride, Size padding, Size dilation) {
  return (out - 1) * stride + (kernel - 1) * dilation + 1 - in - padding;
}

ConvCall make_conv(ConvKind kind, const ConvShape& s, bool bias) {
  const DnnDims x_dims{s.batch, s.in_channels, s.in_h, s.in_w};
  const DnnDims y_dims{s.batch, s.out_channels, s.out_h, s.out_w};
  const Size in = s.in_channels / s.groups, out = s.out_channels / s.groups;
  const bool grouped = s.groups > 1;
  const DnnDims w_dims = grouped ? DnnDims{s.groups, out, in, s.kernel_h, s.kernel_w}
                                 : DnnDims{out, in, s.kernel_h, s.kernel_w};
  const DnnDims strides{s.stride_h, s.stride_w}, dilates{s.dilation_h - 1, s.dilation_w - 1};
  const DnnDims before{s.padding_h, s.padding_w};
  const DnnDims after{
      padding_after(s.in_h, s.out_h, s.kernel_h, s.stride_h, s.padding_h, s.dilation_h),
      padding_after(s.in_w, s.out_w, s.kernel_w, s.stride_w, s.padding_w, s.dilation_w)};
  const Desc x(x_dims, f32, Tag::nhwc), y(y_dims, f32, Tag::nhwc), w(w_dims, f32, Tag::any);
  const Desc plain(w_dims, f32, grouped ? Tag::goihw : Tag::oihw);
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
  return building("conv2d", [&] {
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
  const ConvKey key{static_cast<Size>(kind) * 2 + bias,
                    s.batch,
                    s.groups,
                    s.in_channels,
                    s.in_h,
                    s.in_w,
                    s.out_channels,
                    s.out_h,
                    s.out_w,
                    s.kernel_h,
                    s.kernel_w,
                    s.stride_h,
                    s.stride_w,
                    s.padding_h,
                    s.padding_w,
                    s.dilation_h,
                    s.dilation_w};
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
  return s.kernel_h == 1 && s.kernel_w == 1 && (s.stride_h > 1 || s.stride_w > 1);
}

/// The pixels that a 1x1 convolution reads, side by side: `x` [batch, out_h, out_w, in_channels] of
/// the convolution with stride 1 and no padding that `shape` describes.
struct Dense {
  ConvShape shape;
  Buffer x;
};

Dense read_pixels(const ConvShape& s, const float* x) {
  Dense dense{s, Buffer(static_cast<std::size_t>(s.batch * s.out_h * s.out_w * s.in_channels) *
                        sizeof(float))};
  dense.shape.in_h = s.out_h;
  dense.shape.in_w = s.out_w;
  dense.shape.stride_h = dense.shape.stride_w = 1;
  dense.shape.padding_h = dense.shape.padding_w = 0;
  float* to = dense.x.data();
  for (Size n = 0; n < s.batch; ++n) {
    for (Size oh = 0; oh < s.out_h; ++oh) {
      const Size ih = oh * s.stride_h - s.padding_h;
      for (Size ow = 0; ow < s.out_w; ++ow, to += s.in_channels) {
        const Size iw = ow * s.stride_w - s.padding_w;
        if (ih < 0 || ih >= s.in_h || iw < 0 || iw >= s.in_w) {
          std::fill_n(to, s.in_channels, 0.f);
        } else {
          std::copy_n(x + ((n * s.in_h + ih) * s.in_w + iw) * s.in_channels, s.in_channels, to);
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
