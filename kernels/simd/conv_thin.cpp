#include "reel/kernels/conv_thin.h"

#include "reel/kernels/simd/lanes.h"

namespace reel::kernels::REEL_ISA {
namespace {

constexpr Size width = lane_count<float>;
using Vec = Lanes<float>;
using IntVec = LaneMask<float>;
typedef std::uint8_t Bytes __attribute__((vector_size(width)));

template <Size value_>
struct SizeConstant {
  static constexpr Size value = value_;
};

REEL_INLINE void store_bytes(std::uint8_t* to, const IntVec& v, Size n) {
  const Bytes bytes = __builtin_convertvector(v, Bytes);
  if (n >= width) {
    __builtin_memcpy(to, &bytes, sizeof bytes);
  } else {
    for (Size i = 0; i < n; ++i) to[i] = bytes[i];
  }
}

/// Copies image `n` into the middle of `padded`.
void pad(const ThinConv& conv, Size n, const float* x, float* padded) {
  const ConvShape& s = conv.shape;
  const Size room = conv.padded_w - s.columns.padding;
  const Size columns = room < s.columns.in ? room : s.columns.in;
  for (Size h = 0; h < s.rows.in && h + s.rows.padding < conv.padded_h; ++h) {
    const float* from = x + (n * s.rows.in + h) * s.columns.in;
    float* to = padded + (h + s.rows.padding) * conv.padded_w + s.columns.padding;
    __builtin_memcpy(to, from, static_cast<std::size_t>(columns) * sizeof(float));
  }
}

/// `vecs` vectors of channels of `count` pixels: as many independent sums. Pixel i's window starts
/// at `windows[i]`.
template <Size count, Size vecs>
REEL_INLINE void sum_taps(const ThinConv& conv, const float* const* windows, const float* w,
                          const float* bias, Vec (*sums)[vecs]) {
  for (Size i = 0; i < count; ++i) {
    for (Size v = 0; v < vecs; ++v) sums[i][v] = load(bias + v * width);
  }
  for (Size t = 0; t < conv.taps; ++t) {
    Vec weight[vecs];
    for (Size v = 0; v < vecs; ++v) weight[v] = load(w + t * conv.columns + v * width);
    for (Size i = 0; i < count; ++i) {
      const float cell = windows[i][conv.offsets[t]];
      for (Size v = 0; v < vecs; ++v) sums[i][v] += cell * weight[v];
    }
  }
}

/// Calls `f(first channel, number of vectors)`, two vectors at a time where there are as many,
/// which then share the reading of the image.
template <class F>
REEL_INLINE void each_channels(Size channels, const F& f) {
  Size c = 0;
  for (; c + width < channels; c += 2 * width) f(c, SizeConstant<2>{});
  if (c < channels) f(c, SizeConstant<1>{});
}

template <Size count, Size vecs>
REEL_INLINE void pixels(const ThinConv& conv, const float* window, const float* w,
                        const float* bias, float* y, Size n) {
  const float* windows[count];
  for (Size i = 0; i < count; ++i) windows[i] = window + i * conv.shape.columns.stride;
  Vec sums[count][vecs];
  sum_taps<count, vecs>(conv, windows, w, bias, sums);
  for (Size i = 0; i < count; ++i) {
    for (Size v = 0; v < vecs; ++v) {
      store_some(y + i * conv.shape.out_channels + v * width, sums[i][v], n - v * width);
    }
  }
}

void forward(const ThinConv& conv, Size begin, Size end, const float* x, const float* w,
             const float* bias, float* padded, float* y) {
  const ConvShape& s = conv.shape;
  for (Size n = begin; n < end; ++n) {
    pad(conv, n, x, padded);
    for (Size h = 0; h < s.rows.out; ++h) {
      const float* row = padded + h * s.rows.stride * conv.padded_w;
      float* to = y + (n * s.rows.out + h) * s.columns.out * s.out_channels;
      each_channels(
          s.out_channels, [&](Size c, auto vecs) __attribute__((always_inline)) {
            const Size left = s.out_channels - c;
            Size ow = 0;
            for (; ow + 8 <= s.columns.out; ow += 8)
              pixels<8, vecs.value>(conv, row + ow * s.columns.stride, w + c, bias + c,
                                    to + ow * s.out_channels + c, left);
            for (; ow < s.columns.out; ++ow)
              pixels<1, vecs.value>(conv, row + ow * s.columns.stride, w + c, bias + c,
                                    to + ow * s.out_channels + c, left);
          });
    }
  }
}

/// `count` neighbouring squares of 2x2 pixels, of which only the largest are written.
template <Size count, Size vecs>
REEL_INLINE void squares(const ThinConv& conv, const float* window, const float* w,
                         const float* bias, float* y, std::uint8_t* index, Size n) {
  const ConvShape& s = conv.shape;
  const float* windows[4 * count];
  for (Size i = 0; i < 4 * count; ++i) {
    windows[i] =
        window + i % 4 / 2 * s.rows.stride * conv.padded_w + (i / 4 * 2 + i % 2) * s.columns.stride;
  }
  Vec sums[4 * count][vecs];
  sum_taps<4 * count, vecs>(conv, windows, w, bias, sums);
  for (Size i = 0; i < count; ++i) {
    for (Size v = 0; v < vecs; ++v) {
      Vec largest = sums[4 * i][v];
      IntVec where{};
      for (Size cell = 1; cell < 4; ++cell) {
        const Vec value = sums[4 * i + cell][v];
        const IntVec better = (value > largest) | (value != value);
        largest = better ? value : largest;
        where = better ? IntVec{} + static_cast<std::int32_t>(cell) : where;
      }
      const IntVec off = largest <= Vec{};
      const Size at = i * s.out_channels + v * width;
      store_some(y + at, off ? Vec{} : largest, n - v * width);
      if (index != nullptr) store_bytes(index + at, off ? IntVec{} + 255 : where, n - v * width);
    }
  }
}

void pooled(const ThinConv& conv, Size begin, Size end, Size pooled_h, Size pooled_w,
            const float* x, const float* w, const float* bias, float* padded, float* y,
            std::uint8_t* index) {
  const ConvShape& s = conv.shape;
  for (Size n = begin; n < end; ++n) {
    pad(conv, n, x, padded);
    for (Size h = 0; h < pooled_h; ++h) {
      const float* row = padded + 2 * h * s.rows.stride * conv.padded_w;
      const Size first = (n * pooled_h + h) * pooled_w * s.out_channels;
      each_channels(
          s.out_channels, [&](Size c, auto vecs) __attribute__((always_inline)) {
            const Size left = s.out_channels - c;
            auto some = [&](Size at, auto count) __attribute__((always_inline)) {
              const Size to = first + at * s.out_channels + c;
              squares<count.value, vecs.value>(conv, row + 2 * at * s.columns.stride, w + c,
                                               bias + c, y + to,
                                               index == nullptr ? nullptr : index + to, left);
            };
            Size pw = 0;
            for (; pw + 2 <= pooled_w; pw += 2) some(pw, SizeConstant<2>{});
            if (pw < pooled_w) some(pw, SizeConstant<1>{});
          });
    }
  }
}

/// Adds what `pixels` neighbouring pixels give to the weights of `count` taps.
template <Size count, Size pixels>
REEL_INLINE void add_pixels(const Size* offsets, const float* window, Size step,
                            const Vec* gradients, Vec* sums) {
  for (Size i = 0; i < count; ++i) {
    const float* cell = window + offsets[i];
    for (Size p = 0; p < pixels; ++p) sums[i] += cell[p * step] * gradients[p];
  }
}

/// The gradients of `count` taps' weights for one vector of channels, from one image; with `total`
/// also the sum of all pixels.
template <Size count>
REEL_INLINE void taps(const ThinConv& conv, Size first, const float* padded, const float* dy,
                      Size n, float* dw, float* total) {
  const ConvShape& s = conv.shape;
  const Size step = s.columns.stride;
  const Size* offsets = conv.offsets + first;
  Vec sums[count] = {}, all{};
  for (Size h = 0; h < s.rows.out; ++h) {
    const float* window = padded + h * s.rows.stride * conv.padded_w;
    Size w = 0;
    for (; w + 4 <= s.columns.out; w += 4, window += 4 * step) {
      Vec gradients[4];
      for (Size p = 0; p < 4; ++p, dy += s.out_channels) gradients[p] = load_some(dy, n);
      all += (gradients[0] + gradients[1]) + (gradients[2] + gradients[3]);
      add_pixels<count, 4>(offsets, window, step, gradients, sums);
    }
    for (; w < s.columns.out; ++w, window += step, dy += s.out_channels) {
      const Vec gradient = load_some(dy, n);
      all += gradient;
      add_pixels<count, 1>(offsets, window, step, &gradient, sums);
    }
  }
  for (Size i = 0; i < count; ++i) {
    float* to = dw + (first + i) * conv.columns;
    store<float>(to, load(to) + sums[i]);
  }
  if (total != nullptr) store<float>(total, load(total) + all);
}

void weight(const ThinConv& conv, Size begin, Size end, const float* x, const float* dy,
            float* padded, float* dw, float* db) {
  const ConvShape& s = conv.shape;
  for (Size n = begin; n < end; ++n) {
    pad(conv, n, x, padded);
    for (Size c = 0; c < s.out_channels; c += width) {
      const Size left = s.out_channels - c;
      const float* from = dy + n * s.rows.out * s.columns.out * s.out_channels + c;
      auto total = [&](Size tap) { return tap == 0 ? db + c : nullptr; };
      Size t = 0;
      for (; t + 12 <= conv.taps; t += 12) taps<12>(conv, t, padded, from, left, dw + c, total(t));
      for (; t + 9 <= conv.taps; t += 9) taps<9>(conv, t, padded, from, left, dw + c, total(t));
      for (; t + 4 <= conv.taps; t += 4) taps<4>(conv, t, padded, from, left, dw + c, total(t));
      for (; t < conv.taps; ++t) taps<1>(conv, t, padded, from, left, dw + c, total(t));
    }
  }
}

}  // namespace

const ThinConvTable& thin_conv_table() {
  static constexpr ThinConvTable table{width, forward, pooled, weight};
  return table;
}

}  // namespace reel::kernels::REEL_ISA
