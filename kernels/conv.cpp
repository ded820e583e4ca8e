#include "reel/kernels/conv.h"

#include <algorithm>
#include <vector>

#include "reel/kernels/conv_thin.h"
#include "reel/kernels/dnn.h"
#include "reel/kernels/loops.h"
#include "reel/kernels/parallel.h"
#include "reel/kernels/pointwise.h"

namespace reel::kernels {
namespace {

/// The weights as [kh, kw, groups, in, out] (or [.., out, in]), so that inner loops run along
/// channels.
enum class Inner { out, in };

Size packed_index(const ConvShape& s, Inner inner, Size o, Size i, Size kh, Size kw) {
  const Size outs = s.out_channels / s.groups, ins = s.in_channels / s.groups;
  const Size tap = (kh * s.kernel_w + kw) * s.groups + o / outs;
  return inner == Inner::out ? (tap * ins + i) * outs + o % outs
                             : (tap * outs + o % outs) * ins + i;
}

/// Calls `f(packed, plain)` with the index of every weight in both orders.
template <class F>
void each_weight(const ConvShape& s, Inner inner, const F& f) {
  Size plain = 0;
  for (Size o = 0; o < s.out_channels; ++o) {
    for (Size i = 0; i < s.in_channels / s.groups; ++i) {
      for (Size kh = 0; kh < s.kernel_h; ++kh) {
        for (Size kw = 0; kw < s.kernel_w; ++kw) f(packed_index(s, inner, o, i, kh, kw), plain++);
      }
    }
  }
}

Size weight_count(const ConvShape& s) {
  return s.out_channels * (s.in_channels / s.groups) * s.kernel_h * s.kernel_w;
}

template <class T>
std::vector<T> pack(const ConvShape& s, Inner inner, const T* w) {
  std::vector<T> packed(static_cast<std::size_t>(weight_count(s)));
  each_weight(s, inner,
              [&](Size to, Size from) { packed[static_cast<std::size_t>(to)] = w[from]; });
  return packed;
}

/// Calls `f(image pixel, output pixel)` for all pairs of image `n` that the kernel's cell (kh, kw)
/// joins.
template <class F>
void each_pair(const ConvShape& s, Size n, Size kh, Size kw, const F& f) {
  for (Size oh = 0; oh < s.out_h; ++oh) {
    const Size ih = oh * s.stride_h - s.padding_h + kh * s.dilation_h;
    if (ih < 0 || ih >= s.in_h) continue;
    for (Size ow = 0; ow < s.out_w; ++ow) {
      const Size iw = ow * s.stride_w - s.padding_w + kw * s.dilation_w;
      if (iw < 0 || iw >= s.in_w) continue;
      f((n * s.in_h + ih) * s.in_w + iw, (n * s.out_h + oh) * s.out_w + ow);
    }
  }
}

template <class T>
void axpy(Size n, T a, const T* x, T* y) {
  for (Size i = 0; i < n; ++i) y[i] += a * x[i];
}

/// to[c] += sum over r of from[r] w[r, c], group by group.
template <class T>
void apply_tap(Size groups, Size rows, Size columns, const T* from, const T* w, T* to) {
  for (Size g = 0; g < groups; ++g) {
    for (Size r = 0; r < rows; ++r) {
      axpy(columns, from[g * rows + r], w + (g * rows + r) * columns, to + g * columns);
    }
  }
}

template <class T>
void plain_conv(const ConvShape& s, const T* x, const T* w, const T* bias, T* y) {
  const Size outs = s.out_channels / s.groups, ins = s.in_channels / s.groups;
  const std::vector<T> packed = pack(s, Inner::out, w);
  const Size image = s.out_h * s.out_w * s.out_channels;
  parallel_for(s.batch, 1, [&](Size begin, Size end) {
    for (Size n = begin; n < end; ++n) {
      T* own = y + n * image;
      for (Size i = 0; i < image; ++i) own[i] = bias != nullptr ? bias[i % s.out_channels] : T{};
      for (Size tap = 0; tap < s.kernel_h * s.kernel_w; ++tap) {
        const T* cell = packed.data() + tap * s.groups * ins * outs;
        each_pair(s, n, tap / s.kernel_w, tap % s.kernel_w, [&](Size in, Size out) {
          apply_tap(s.groups, ins, outs, x + in * s.in_channels, cell, y + out * s.out_channels);
        });
      }
    }
  });
}

template <class T>
void plain_conv_input(const ConvShape& s, const T* dy, const T* w, T* dx) {
  const Size outs = s.out_channels / s.groups, ins = s.in_channels / s.groups;
  const std::vector<T> packed = pack(s, Inner::in, w);
  const Size image = s.in_h * s.in_w * s.in_channels;
  parallel_for(s.batch, 1, [&](Size begin, Size end) {
    std::fill(dx + begin * image, dx + end * image, T{});
    for (Size n = begin; n < end; ++n) {
      for (Size tap = 0; tap < s.kernel_h * s.kernel_w; ++tap) {
        const T* cell = packed.data() + tap * s.groups * ins * outs;
        each_pair(s, n, tap / s.kernel_w, tap % s.kernel_w, [&](Size in, Size out) {
          apply_tap(s.groups, outs, ins, dy + out * s.out_channels, cell, dx + in * s.in_channels);
        });
      }
    }
  });
}

template <class T>
void plain_conv_weight(const ConvShape& s, const T* x, const T* dy, T* dw, T* db) {
  const Size outs = s.out_channels / s.groups, ins = s.in_channels / s.groups;
  std::vector<T> packed(static_cast<std::size_t>(weight_count(s)));
  parallel_for(s.kernel_h * s.kernel_w, 1, [&](Size begin, Size end) {
    for (Size tap = begin; tap < end; ++tap) {
      T* cell = packed.data() + tap * s.groups * ins * outs;
      for (Size n = 0; n < s.batch; ++n) {
        each_pair(s, n, tap / s.kernel_w, tap % s.kernel_w, [&](Size in, Size out) {
          const T* image = x + in * s.in_channels;
          const T* gradient = dy + out * s.out_channels;
          for (Size c = 0; c < s.in_channels; ++c) {
            axpy(outs, image[c], gradient + c / ins * outs, cell + c * outs);
          }
        });
      }
    }
  });
  each_weight(s, Inner::out,
              [&](Size from, Size to) { dw[to] = packed[static_cast<std::size_t>(from)]; });
  if (db == nullptr) return;
  std::fill_n(db, s.out_channels, T{});
  for (Size i = 0; i < s.batch * s.out_h * s.out_w; ++i) {
    axpy(s.out_channels, T{1}, dy + i * s.out_channels, db);
  }
}

template <class T>
const T* as(const void* data) {
  return static_cast<const T*>(data);
}

}  // namespace

void conv2d(DType dtype, const ConvShape& shape, const void* x, const void* w, const void* bias,
            bool relu, void* y) {
  if (dtype == DType::float32 && is_thin(shape)) {
    thin_conv(shape, as<float>(x), as<float>(w), as<float>(bias), relu, static_cast<float*>(y));
    return;
  }
  if (dtype == DType::float32) {
    dnn_conv(shape, as<float>(x), as<float>(w), as<float>(bias), static_cast<float*>(y));
  } else {
    plain_conv(shape, as<double>(x), as<double>(w), as<double>(bias), static_cast<double*>(y));
  }
  if (relu) {
    // Not as part of oneDNN's convolution: its ReLU turns NaN into 0.
    const Size count = shape.batch * shape.out_h * shape.out_w * shape.out_channels;
    const Size bytes = item_size(dtype);
    run_flat(find(Unary::relu, dtype), count, {{y, bytes, {}}, {y, bytes, {}}});
  }
}

void conv2d_input(DType dtype, const ConvShape& shape, const void* dy, const void* w, void* dx) {
  if (dtype == DType::float32) {
    dnn_conv_input(shape, as<float>(dy), as<float>(w), static_cast<float*>(dx));
  } else {
    plain_conv_input(shape, as<double>(dy), as<double>(w), static_cast<double*>(dx));
  }
}

void conv2d_weight(DType dtype, const ConvShape& shape, const void* x, const void* dy, void* dw,
                   void* db) {
  if (dtype == DType::float32 && is_thin(shape)) {
    thin_conv_weight(shape, as<float>(x), as<float>(dy), static_cast<float*>(dw),
                     static_cast<float*>(db));
  } else if (dtype == DType::float32) {
    dnn_conv_weight(shape, as<float>(x), as<float>(dy), static_cast<float*>(dw),
                    static_cast<float*>(db));
  } else {
    plain_conv_weight(shape, as<double>(x), as<double>(dy), static_cast<double*>(dw),
                      static_cast<double*>(db));
  }
}

}  // namespace reel::kernels
