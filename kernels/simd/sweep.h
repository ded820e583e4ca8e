#pragma once

// Internal, for files of folders simd/ only: formulas of numbers, run over arrays by registers.

#include <type_traits>

#include "reel/base/fields.h"
#include "reel/kernels/simd/lanes.h"
#include "reel/kernels/sweep.h"

namespace reel::kernels::REEL_ISA {
namespace {

/// A register of floats or doubles to write formulas with, as if it were one number: every operator
/// takes constants in double too, which are rounded once, before the loop.
template <class T>
struct Number {
  Lanes<T> lanes;

  Number() = default;
  REEL_INLINE explicit Number(const Lanes<T>& v) : lanes(v) {}
  REEL_INLINE Number(double constant) : lanes(splat(static_cast<T>(constant))) {}

  friend REEL_INLINE Number operator+(Number a, Number b) { return Number(a.lanes + b.lanes); }
  friend REEL_INLINE Number operator-(Number a, Number b) { return Number(a.lanes - b.lanes); }
  friend REEL_INLINE Number operator*(Number a, Number b) { return Number(a.lanes * b.lanes); }
  friend REEL_INLINE Number operator/(Number a, Number b) { return Number(a.lanes / b.lanes); }
  friend REEL_INLINE Number operator-(Number a) { return Number(-a.lanes); }
  REEL_INLINE Number& operator+=(Number b) { return *this = *this + b; }
  REEL_INLINE Number& operator-=(Number b) { return *this = *this - b; }
  REEL_INLINE Number& operator*=(Number b) { return *this = *this * b; }

  friend REEL_INLINE Number max(Number a, Number b) {
    return Number(REEL_ISA::max<T>(a.lanes, b.lanes));
  }
  friend REEL_INLINE Number min(Number a, Number b) {
    return Number(REEL_ISA::min<T>(a.lanes, b.lanes));
  }
  friend REEL_INLINE Number abs(Number a) { return Number(REEL_ISA::abs<T>(a.lanes)); }
  /// `positive` where a > 0, `negative` where a < 0, else `otherwise`.
  friend REEL_INLINE Number by_sign(Number a, Number positive, Number negative, Number otherwise) {
    const Lanes<T> zero = {};
    const Lanes<T> rest = a.lanes < zero ? negative.lanes : otherwise.lanes;
    return Number(a.lanes > zero ? positive.lanes : rest);
  }
  friend REEL_INLINE Number sign(Number a) { return by_sign(a, 1, -1, a); }
  friend REEL_INLINE Number sqrt(Number a) { return Number(REEL_ISA::sqrt<T>(a.lanes)); }

  /// factor x / (sqrt(v) scale + eps), v at least 0. For floats by the processor's estimates, each
  /// refined by one step of Newton's method to the last bit or two: a true root and quotient take
  /// twice as long as the rest of Adam together.
  friend REEL_INLINE Number over_root(Number factor, Number x, Number v, Number scale, Number eps) {
#if defined(__AVX2__)
    if constexpr (sizeof(T) == 4) {
      // The estimate of 1 / sqrt(0) is infinite; below this floor the root is negligible beside any
      // eps.
      const Lanes<T> floored = v.lanes < 1e-36f ? splat(1e-36f) : v.lanes;
#if defined(__AVX512F__)
      const Lanes<T> r = (Lanes<T>)_mm512_maskz_rsqrt14_ps(0xffff, (__m512)floored);
#else
      const Lanes<T> r = (Lanes<T>)_mm256_rsqrt_ps((__m256)floored);
#endif
      const Lanes<T> root = floored * (r * (1.5f - 0.5f * floored * r * r));
      const Lanes<T> denominator = root * scale.lanes + eps.lanes;
#if defined(__AVX512F__)
      const Lanes<T> q = (Lanes<T>)_mm512_maskz_rcp14_ps(0xffff, (__m512)denominator);
#else
      const Lanes<T> q = (Lanes<T>)_mm256_rcp_ps((__m256)denominator);
#endif
      return factor * Number(x.lanes * (q * (2.0f - denominator * q)));
    }
#endif
    return factor * x / (sqrt(v) * scale + eps);
  }
};

/// Calls `f(k, member)` for the members of a state that are arrays, of which this is the k-th.
template <class T, class State, class F>
REEL_INLINE void for_each_array(State& state, const F& f) {
  with_fields(
      state, [&](auto&... members) __attribute__((always_inline)) {
        int k = 0;
        [[maybe_unused]] const auto visit = [&](auto& member) __attribute__((always_inline)) {
          if constexpr (std::is_same_v<std::remove_reference_t<decltype(member)>, Number<T>>) {
            f(k++, member);
          }
        };
        (visit(members), ...);
      });
}

/// A loop of `SweepLoops`. The last, short register is worked through like the others, so that no
/// result depends on where a range ends.
template <class Formula, class T>
void sweep(Size n, const void* formula, void* const* arrays, bool negate) {
  using State = typename Formula::template State<Number<T>>;
  const Formula f = *static_cast<const Formula*>(formula);  // nothing that is stored changes it
  T* const x = static_cast<T*>(arrays[0]);
  const T* const y = static_cast<const T*>(arrays[1]);
  T* members[8] = {};
  for (int k = 0; k < 6; ++k) members[k] = static_cast<T*>(arrays[2 + k]);

  const auto work = [&](const auto& load_at, const auto& store_at) __attribute__((always_inline)) {
    Number<T> a(load_at(x));
    const Number<T> b(load_at(y));
    State state;  // not set to zeros as a whole: that is a loop in memory
    for_each_array<T>(
        state, [&](int k, Number<T>& member) __attribute__((always_inline)) {
          member = Number<T>(members[k] != nullptr ? load_at(members[k]) : Lanes<T>{});
        });
    f(a, negate ? -b : b, state);
    store_at(x, a.lanes);
    for_each_array<T>(
        state, [&](int k, Number<T>& member) __attribute__((always_inline)) {
          if (members[k] != nullptr) store_at(members[k], member.lanes);
        });
  };

  Size i = 0;
  for (; i + lane_count<T> <= n; i += lane_count<T>) {
    work(
        [&](const T* from) __attribute__((always_inline)) { return load<T>(from + i); },
        [&](T * to, const Lanes<T>& v) __attribute__((always_inline)) { store<T>(to + i, v); });
  }
  if (const Size left = n - i; left > 0) {
    work(
        [&](const T* from) __attribute__((always_inline)) { return load_tail<T>(from + i, left); },
        [&](T * to, const Lanes<T>& v)
            __attribute__((always_inline)) { store_tail<T>(to + i, v, left); });
  }
}

}  // namespace

template <class Formula>
SweepLoops sweep_loops() {
  return {sweep<Formula, float>, sweep<Formula, double>};
}

}  // namespace reel::kernels::REEL_ISA
