#include "reel/kernels/optim_table.h"

#include "reel/kernels/simd/lanes.h"

namespace reel::kernels::REEL_ISA {
namespace {

// Plain loops over arrays that do not overlap: the compiler vectorises them. What does not change
// along the arrays is a template argument or computed in double before the loop, as PyTorch does.

template <class T, bool has_momentum>
void sgd_loop(Size n, const SgdStep& step, const T* __restrict gradient, T* __restrict parameter,
              T* __restrict buffer) {
  const T lr = static_cast<T>(step.lr);
  const T decay = static_cast<T>(step.weight_decay);
  // The first step sets the buffer to the gradient, whatever it held.
  const T keep = static_cast<T>(step.first ? 0 : step.momentum);
  const T take = static_cast<T>(step.first ? 1 : 1 - step.dampening);
  // The direction is the buffer, or with Nesterov gradient + momentum * buffer.
  const T from_gradient = static_cast<T>(step.nesterov ? 1 : 0);
  const T from_buffer = static_cast<T>(step.nesterov ? step.momentum : 1);
  for (Size i = 0; i < n; ++i) {
    const T g = gradient[i] + decay * parameter[i];
    if constexpr (has_momentum) {
      const T velocity = keep * buffer[i] + take * g;
      buffer[i] = velocity;
      parameter[i] -= lr * (from_gradient * g + from_buffer * velocity);
    } else {
      parameter[i] -= lr * g;
    }
  }
}

template <class T>
void sgd(Size n, const SgdStep& step, const void* gradient, void* parameter, void* buffer) {
  (buffer != nullptr ? sgd_loop<T, true>
                     : sgd_loop<T, false>)(n, step, static_cast<const T*>(gradient),
                                           static_cast<T*>(parameter), static_cast<T*>(buffer));
}

template <class T>
T square_root(T x) {
  if constexpr (sizeof(T) == 4) {
    return __builtin_sqrtf(x);
  } else {
    return __builtin_sqrt(x);
  }
}

#ifdef __AVX2__
/// x / (sqrt(v) * scale + eps) for floats by the processor's estimates, each refined by one step of
/// Newton's method to the last bit or two: a true root and quotient take twice as long as the rest
/// of Adam together.
REEL_INLINE FloatLanes over_root(const FloatLanes& x, const FloatLanes& v, float scale, float eps) {
#ifdef __AVX512F__
  const auto root_estimate = [](const FloatLanes& a) __attribute__((always_inline)) {
    return (FloatLanes)_mm512_maskz_rsqrt14_ps(0xffff, (__m512)a);
  };
  const auto inverse_estimate = [](const FloatLanes& a) __attribute__((always_inline)) {
    return (FloatLanes)_mm512_maskz_rcp14_ps(0xffff, (__m512)a);
  };
#else
  const auto root_estimate = [](const FloatLanes& a) __attribute__((always_inline)) {
    return (FloatLanes)_mm256_rsqrt_ps((__m256)a);
  };
  const auto inverse_estimate = [](const FloatLanes& a) __attribute__((always_inline)) {
    return (FloatLanes)_mm256_rcp_ps((__m256)a);
  };
#endif
  // The estimate of 1 / sqrt(0) is infinite; below this floor the root is negligible beside any
  // eps.
  const FloatLanes floored = v < 1e-36f ? splat(1e-36f) : v;
  const FloatLanes r = root_estimate(floored);
  const FloatLanes root = floored * (r * (1.5f - 0.5f * floored * r * r));
  const FloatLanes denominator = root * scale + eps;
  const FloatLanes q = inverse_estimate(denominator);
  return x * (q * (2.0f - denominator * q));
}
#endif

template <class T, bool amsgrad>
void adam_loop(Size n, const AdamStep& step, const T* __restrict gradient, T* __restrict parameter,
               T* __restrict mean, T* __restrict variance, T* __restrict max_variance) {
  const T beta2 = static_cast<T>(step.beta2);
  const T rest1 = static_cast<T>(1 - step.beta1);
  const T rest2 = static_cast<T>(1 - step.beta2);
  const T step_size = static_cast<T>(step.lr / step.correction1);
  const T inverse_root = static_cast<T>(1 / __builtin_sqrt(step.correction2));
  const T eps = static_cast<T>(step.eps);
  const T shrink = static_cast<T>(step.decoupled ? 1 - step.lr * step.weight_decay : 1);
  const T decay = static_cast<T>(step.decoupled ? 0 : step.weight_decay);
  Size i = 0;
#ifdef __AVX2__
  if constexpr (sizeof(T) == 4) {
    for (; i + lane_count<T> <= n; i += lane_count<T>) {
      const Lanes<T> p = shrink * load<T>(parameter + i);
      const Lanes<T> g = load<T>(gradient + i) + decay * p;
      const Lanes<T> m0 = load<T>(mean + i);
      const Lanes<T> m = m0 + rest1 * (g - m0);
      const Lanes<T> v = beta2 * load<T>(variance + i) + rest2 * g * g;
      store<T>(mean + i, m);
      store<T>(variance + i, v);
      Lanes<T> scale = v;
      if constexpr (amsgrad) {
        const Lanes<T> before = load<T>(max_variance + i);
        scale = before > v ? before : v;
        store<T>(max_variance + i, scale);
      }
      store<T>(parameter + i, p - step_size * over_root(m, scale, inverse_root, eps));
    }
  }
#endif
  for (; i < n; ++i) {
    const T p = shrink * parameter[i];
    const T g = gradient[i] + decay * p;
    const T m = mean[i] + rest1 * (g - mean[i]);
    const T v = beta2 * variance[i] + rest2 * g * g;
    mean[i] = m;
    variance[i] = v;
    T scale = v;
    if constexpr (amsgrad) {
      scale = max_variance[i] > v ? max_variance[i] : v;
      max_variance[i] = scale;
    }
    parameter[i] = p - step_size * m / (square_root(scale) * inverse_root + eps);
  }
}

template <class T>
void adam(Size n, const AdamStep& step, const void* gradient, void* parameter, void* mean,
          void* variance, void* max_variance) {
  (max_variance != nullptr ? adam_loop<T, true>
                           : adam_loop<T, false>)(n, step, static_cast<const T*>(gradient),
                                                  static_cast<T*>(parameter), static_cast<T*>(mean),
                                                  static_cast<T*>(variance),
                                                  static_cast<T*>(max_variance));
}

constexpr OptimTable table = {{sgd<float>, sgd<double>}, {adam<float>, adam<double>}};

}  // namespace

const OptimTable& optim_table() { return table; }

}  // namespace reel::kernels::REEL_ISA
