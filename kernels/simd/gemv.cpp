#include "reel/kernels/gemv.h"

#include "reel/kernels/simd/lanes.h"

namespace reel::kernels::REEL_ISA {
namespace {

constexpr Size width = lane_count<float>;

/// `count` rows at once: as many independent sums hide the latency of an addition.
template <Size count>
REEL_INLINE void dot_rows(Size k, const float* a, Size lda, const float* x, float* y) {
  FloatLanes sums[count] = {};
  Size j = 0;
  for (; j + width <= k; j += width) {
    const FloatLanes xj = load(x + j);
    for (Size r = 0; r < count; ++r) sums[r] += load(a + r * lda + j) * xj;
  }
  if (j < k) {
    const FloatLanes xj = load_tail(x + j, k - j);
    for (Size r = 0; r < count; ++r) sums[r] += load_tail(a + r * lda + j, k - j) * xj;
  }
  for (Size r = 0; r < count; ++r) {
    y[r] = fold_lanes(
        sums[r], [](const FloatLanes& p, const FloatLanes& q)
                     __attribute__((always_inline)) { return p + q; });
  }
}

void rows(Size begin, Size end, Size k, const float* a, Size lda, const float* x, const float* bias,
          float* y) {
  Size i = begin;
  for (; i + 8 <= end; i += 8) dot_rows<8>(k, a + i * lda, lda, x, y + i);
  for (; i < end; ++i) dot_rows<1>(k, a + i * lda, lda, x, y + i);
  if (bias == nullptr) return;
  for (i = begin; i < end; ++i) y[i] += bias[i];
}

/// `count` vectors of columns at once.
template <Size count>
REEL_INLINE void add_columns(Size k, const float* a, Size lda, const float* x, const float* bias,
                             float* y) {
  FloatLanes sums[count] = {};
  for (Size v = 0; v < count && bias != nullptr; ++v) sums[v] = load(bias + v * width);
  for (Size i = 0; i < k; ++i) {
    const FloatLanes xi = splat(x[i]);
    for (Size v = 0; v < count; ++v) sums[v] += xi * load(a + i * lda + v * width);
  }
  for (Size v = 0; v < count; ++v) store<float>(y + v * width, sums[v]);
}

void columns(Size k, Size begin, Size end, const float* a, Size lda, const float* x,
             const float* bias, float* y) {
  auto bias_at = [&](Size column) { return bias != nullptr ? bias + column : nullptr; };
  Size j = begin;
  for (; j + 8 * width <= end; j += 8 * width) add_columns<8>(k, a + j, lda, x, bias_at(j), y + j);
  for (; j + width <= end; j += width) add_columns<1>(k, a + j, lda, x, bias_at(j), y + j);
  for (; j < end; ++j) {
    float sum = bias != nullptr ? bias[j] : 0.f;
    for (Size i = 0; i < k; ++i) sum += x[i] * a[i * lda + j];
    y[j] = sum;
  }
}

}  // namespace

const GemvTable& gemv_table() {
  static constexpr GemvTable table{rows, columns};
  return table;
}

}  // namespace reel::kernels::REEL_ISA
