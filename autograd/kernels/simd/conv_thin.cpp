#include "reel/autograd/kernels/conv_thin.h"

#include "reel/autograd/kernels/simd/lanes.h"

namespace reel::kernels::REEL_ISA {
namespace {

constexpr Size width = lane_count<float>;
using Vec = Lanes<float>;

REEL_INLINE Vec load_some(const float* from, Size n) {
  return n >= width ? load(from) : load_tail(from, n);
}

REEL_INLINE void store_some(float* to, const Vec& v, Size n) {
  if (n >= width) {
    store<float>(to, v);
  } else {
    store_tail<float>(to, v, n);
  }
}

/// Copies image `n` into the middle of `padded`.
void pad(const ThinConv& conv, Size n, const float* x, float* padded) {
  const ConvShape& s = conv.shape;
  const Size room = conv.padded_w - s.padding_w;
  const Size columns = room < s.in_w ? room : s.in_w;
  for (Size h = 0; h < s.in_h && h + s.padding_h < conv.padded_h; ++h) {
    const float* from = x + (n * s.in_h + h) * s.in_w;
    float* to = padded + (h + s.padding_h) * conv.padded_w + s.padding_w;
    __builtin_memcpy(to, from, static_cast<std::size_t>(columns) * sizeof(float));
  }
}

/// `count` neighbouring pixels of one vector of channels: as many independent sums.
template <Size count>
REEL_INLINE void pixels(const ThinConv& conv, const float* window, Size step, const float* w,
                        const Vec& bias, bool relu, float* y, Size n) {
  Vec sums[count];
  for (Size i = 0; i < count; ++i) sums[i] = bias;
  for (Size t = 0; t < conv.taps; ++t) {
    const Vec weight = load(w + t * conv.columns);
    const float* cell = window + conv.offsets[t];
    for (Size i = 0; i < count; ++i) sums[i] += cell[i * step] * weight;
  }
  for (Size i = 0; i < count; ++i) {
    const Vec value = relu ? (sums[i] < Vec{} ? Vec{} : sums[i]) : sums[i];
    store_some(y + i * conv.shape.out_channels, value, n);
  }
}

void forward(const ThinConv& conv, Size begin, Size end, const float* x, const float* w,
             const float* bias, bool relu, float* padded, float* y) {
  const ConvShape& s = conv.shape;
  const Size step = s.stride_w;
  for (Size n = begin; n < end; ++n) {
    pad(conv, n, x, padded);
    for (Size h = 0; h < s.out_h; ++h) {
      const float* row = padded + h * s.stride_h * conv.padded_w;
      float* to = y + (n * s.out_h + h) * s.out_w * s.out_channels;
      for (Size c = 0; c < s.out_channels; c += width) {
        const Vec b = load(bias + c);
        const Size left = s.out_channels - c;
        Size ow = 0;
        auto at = [&](Size i) { return to + i * s.out_channels + c; };
        for (; ow + 8 <= s.out_w; ow += 8)
          pixels<8>(conv, row + ow * step, step, w + c, b, relu, at(ow), left);
        for (; ow + 4 <= s.out_w; ow += 4)
          pixels<4>(conv, row + ow * step, step, w + c, b, relu, at(ow), left);
        for (; ow < s.out_w; ++ow)
          pixels<1>(conv, row + ow * step, step, w + c, b, relu, at(ow), left);
      }
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
  const Size step = s.stride_w;
  const Size* offsets = conv.offsets + first;
  Vec sums[count] = {}, all{};
  for (Size h = 0; h < s.out_h; ++h) {
    const float* window = padded + h * s.stride_h * conv.padded_w;
    Size w = 0;
    for (; w + 4 <= s.out_w; w += 4, window += 4 * step) {
      Vec gradients[4];
      for (Size p = 0; p < 4; ++p, dy += s.out_channels) gradients[p] = load_some(dy, n);
      all += (gradients[0] + gradients[1]) + (gradients[2] + gradients[3]);
      add_pixels<count, 4>(offsets, window, step, gradients, sums);
    }
    for (; w < s.out_w; ++w, window += step, dy += s.out_channels) {
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
      const float* from = dy + n * s.out_h * s.out_w * s.out_channels + c;
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
  static constexpr ThinConvTable table{width, forward, weight};
  return table;
}

}  // namespace reel::kernels::REEL_ISA
