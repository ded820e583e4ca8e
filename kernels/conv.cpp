#include "reel/kernels/conv.h"

#include <algorithm>
#include <vector>

#include "reel/kernels/conv_thin.h"
#include "reel/kernels/dnn.h"
#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

/// The weights as [kd, kh, kw, groups, in, out] (or [.., out, in]), so that inner loops run along
/// channels.
enum class Inner { out, in };

Size packed_index(const ConvShape& s, Inner inner, Size o, Size i, Size cell) {
  const Size outs = s.out_channels / s.groups, ins = s.in_channels / s.groups;
  const Size tap = cell * s.groups + o / outs;
  return inner == Inner::out ? (tap * ins + i) * outs + o % outs
                             : (tap * outs + o % outs) * ins + i;
}

/// Calls `f(packed, plain)` with the index of every weight in both orders.
template <class F>
void each_weight(const ConvShape& s, Inner inner, const F& f) {
  Size plain = 0;
  for (Size o = 0; o < s.out_channels; ++o) {
    for (Size i = 0; i < s.in_channels / s.groups; ++i) {
      for (Size cell = 0; cell < cell_count(s); ++cell)
        f(packed_index(s, inner, o, i, cell), plain++);
    }
  }
}

template <class T>
std::vector<T> pack(const ConvShape& s, Inner inner, const T* w) {
  std::vector<T> packed(static_cast<std::size_t>(weight_count(s)));
  each_weight(s, inner,
              [&](Size to, Size from) { packed[static_cast<std::size_t>(to)] = w[from]; });
  return packed;
}

/// Calls `f(pixel, window)` for every window along an axis whose cell lies on a pixel.
template <class F>
void each_pair(const WindowAxis& a, Size cell, const F& f) {
  for (Size out = 0; out < a.out; ++out) {
    const Size in = out * a.stride - a.padding + cell * a.dilation;
    if (in >= 0 && in < a.in) f(in, out);
  }
}

/// Calls `f(image pixel, output pixel)` for all pairs of image `n` that a cell of the kernel joins.
template <class F>
void each_pair(const ConvShape& s, Size n, Size cell, const F& f) {
  const Size plane = s.rows.kernel * s.columns.kernel;
  each_pair(s.depth, cell / plane, [&](Size id, Size od) {
    each_pair(s.rows, cell % plane / s.columns.kernel, [&](Size ih, Size oh) {
      const Size in_row = (n * s.depth.in + id) * s.rows.in + ih;
      const Size out_row = (n * s.depth.out + od) * s.rows.out + oh;
      each_pair(s.columns, cell % s.columns.kernel, [&](Size iw, Size ow) {
        f(in_row * s.columns.in + iw, out_row * s.columns.out + ow);
      });
    });
  });
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
  const Size image = out_pixels(s) * s.out_channels;
  parallel_for(s.batch, 1, [&](Size begin, Size end) {
    for (Size n = begin; n < end; ++n) {
      T* own = y + n * image;
      for (Size i = 0; i < image; ++i) own[i] = bias != nullptr ? bias[i % s.out_channels] : T{};
      for (Size tap = 0; tap < cell_count(s); ++tap) {
        const T* cell = packed.data() + tap * s.groups * ins * outs;
        each_pair(s, n, tap, [&](Size in, Size out) {
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
  const Size image = in_pixels(s) * s.in_channels;
  parallel_for(s.batch, 1, [&](Size begin, Size end) {
    std::fill(dx + begin * image, dx + end * image, T{});
    for (Size n = begin; n < end; ++n) {
      for (Size tap = 0; tap < cell_count(s); ++tap) {
        const T* cell = packed.data() + tap * s.groups * ins * outs;
        each_pair(s, n, tap, [&](Size in, Size out) {
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
  parallel_for(cell_count(s), 1, [&](Size begin, Size end) {
    for (Size tap = begin; tap < end; ++tap) {
      T* cell = packed.data() + tap * s.groups * ins * outs;
      for (Size n = 0; n < s.batch; ++n) {
        each_pair(s, n, tap, [&](Size in, Size out) {
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
  for (Size i = 0; i < s.batch * out_pixels(s); ++i) {
    axpy(s.out_channels, T{1}, dy + i * s.out_channels, db);
  }
}

}  // namespace

Size in_pixels(const ConvShape& s) { return s.depth.in * s.rows.in * s.columns.in; }
Size out_pixels(const ConvShape& s) { return s.depth.out * s.rows.out * s.columns.out; }
Size cell_count(const ConvShape& s) { return s.depth.kernel * s.rows.kernel * s.columns.kernel; }
Size weight_count(const ConvShape& s) {
  return s.out_channels * (s.in_channels / s.groups) * cell_count(s);
}

void conv(const ConvShape& shape, const ConstArray& x, const ConstArray& w, const ConstArray& bias,
          const Array& y) {
  if (x.dtype() == float64) {
    plain_conv(shape, x.as<double>(), w.as<double>(), bias.as<double>(), y.as<double>());
  } else if (is_thin(shape)) {
    thin_conv(shape, x.as<float>(), w.as<float>(), bias.as<float>(), y.as<float>());
  } else {
    dnn_conv(shape, x.as<float>(), w.as<float>(), bias.as<float>(), y.as<float>());
  }
}

void conv_input(const ConvShape& shape, const ConstArray& dy, const ConstArray& w,
                const Array& dx) {
  if (dy.dtype() == float64) {
    plain_conv_input(shape, dy.as<double>(), w.as<double>(), dx.as<double>());
  } else {
    dnn_conv_input(shape, dy.as<float>(), w.as<float>(), dx.as<float>());
  }
}

void conv_weight(const ConvShape& shape, const ConstArray& x, const ConstArray& dy, const Array& dw,
                 const Array& db) {
  if (x.dtype() == float64) {
    plain_conv_weight(shape, x.as<double>(), dy.as<double>(), dw.as<double>(), db.as<double>());
  } else if (is_thin(shape)) {
    thin_conv_weight(shape, x.as<float>(), dy.as<float>(), dw.as<float>(), db.as<float>());
  } else {
    dnn_conv_weight(shape, x.as<float>(), dy.as<float>(), dw.as<float>(), db.as<float>());
  }
}

}  // namespace reel::kernels
