#pragma once

// Internal: the rows of pointwise_rows.inc as types. `tanhRow::value(x)` and
// `tanhRow::Derivative::of(dy, x, y)` are the formulas of its row for whatever knows their words:
// tensors, the elements of kernels (simd/lane.h), the numbers of a test. A word is found where its
// argument lives.

#include <concepts>
#include <cstddef>
#include <type_traits>

#include "reel/kernels/formulas.h"
#include "reel/kernels/pointwise.h"

namespace reel::kernels::rows {

/// What an op does with dtypes, see pointwise_rows.inc.
enum class Takes { floating, number, any, whole };

/// Stands for what a formula is given, to learn from it what it needs.
struct Probe {
  bool first = false;   // mentions x, or a
  bool second = false;  // mentions y, or b
  bool wide = false;    // calls a function that elements have in vectors only

  constexpr Probe() = default;
  template <class Number>
    requires std::is_arithmetic_v<Number>
  constexpr Probe(Number) {}
  constexpr Probe(bool is_first, bool is_second, bool is_wide)
      : first(is_first), second(is_second), wide(is_wide) {}

  friend constexpr Probe both(const Probe& a, const Probe& b) {
    return {a.first || b.first, a.second || b.second, a.wide || b.wide};
  }
  constexpr Probe in_vectors() const { return {first, second, true}; }
};

template <class X>
struct Normal {
  X cdf, density;
};

// What elements know one by one,
#define REEL_PROBE_1(word) \
  constexpr Probe word(const Probe& x) { return x; }
#define REEL_PROBE_2(word) \
  constexpr Probe word(const Probe& a, const Probe& b) { return both(a, b); }
// and in vectors only.
#define REEL_PROBE_WIDE_1(word) \
  constexpr Probe word(const Probe& x) { return x.in_vectors(); }
#define REEL_PROBE_WIDE_2(word) \
  constexpr Probe word(const Probe& a, const Probe& b) { return both(a, b).in_vectors(); }

REEL_PROBE_1(operator-)
REEL_PROBE_1(operator!)
REEL_PROBE_2(operator+)
REEL_PROBE_2(operator-)
REEL_PROBE_2(operator*)
REEL_PROBE_2(operator/)
REEL_PROBE_2(operator==)
REEL_PROBE_2(operator!=)
REEL_PROBE_2(operator<)
REEL_PROBE_2(operator<=)
REEL_PROBE_2(operator>)
REEL_PROBE_2(operator>=)
REEL_PROBE_2(operator&&)
REEL_PROBE_2(operator||)
REEL_PROBE_1(abs)
REEL_PROBE_1(sign)
REEL_PROBE_1(square)
REEL_PROBE_1(floor)
REEL_PROBE_1(ceil)
REEL_PROBE_1(round)
REEL_PROBE_1(trunc)
REEL_PROBE_1(sqrt)
REEL_PROBE_1(isnan)
REEL_PROBE_1(isinf)
REEL_PROBE_1(isfinite)
REEL_PROBE_1(signbit)
REEL_PROBE_2(maximum)
REEL_PROBE_2(minimum)
REEL_PROBE_2(copysign)
REEL_PROBE_2(fmod)
REEL_PROBE_2(remainder)
REEL_PROBE_2(floor_divide)
REEL_PROBE_2(trunc_divide)
REEL_PROBE_WIDE_1(relu)
REEL_PROBE_WIDE_1(exp)
REEL_PROBE_WIDE_1(exp_or_0)
REEL_PROBE_WIDE_1(log)
REEL_PROBE_WIDE_1(log1p)
REEL_PROBE_WIDE_1(log1p_of_fraction)
REEL_PROBE_WIDE_1(expm1)
REEL_PROBE_WIDE_1(rsqrt)
REEL_PROBE_WIDE_1(sin)
REEL_PROBE_WIDE_1(cos)
REEL_PROBE_WIDE_1(tanh)
REEL_PROBE_WIDE_1(sigmoid)
REEL_PROBE_WIDE_1(erf)
REEL_PROBE_WIDE_1(erfc)
REEL_PROBE_WIDE_1(erfinv)
REEL_PROBE_WIDE_1(exp2)
REEL_PROBE_WIDE_1(log2)
REEL_PROBE_WIDE_1(log10)
REEL_PROBE_WIDE_1(tan)
REEL_PROBE_WIDE_1(asin)
REEL_PROBE_WIDE_1(acos)
REEL_PROBE_WIDE_1(atan)
REEL_PROBE_WIDE_1(sinh)
REEL_PROBE_WIDE_1(cosh)
REEL_PROBE_WIDE_1(asinh)
REEL_PROBE_WIDE_1(acosh)
REEL_PROBE_WIDE_1(atanh)
REEL_PROBE_WIDE_1(lgamma)
REEL_PROBE_WIDE_1(digamma)
REEL_PROBE_WIDE_1(i0)
REEL_PROBE_WIDE_1(i1)
REEL_PROBE_WIDE_2(times_sigmoid)
REEL_PROBE_WIDE_2(pow)
REEL_PROBE_WIDE_2(atan2)
REEL_PROBE_WIDE_2(hypot)

#undef REEL_PROBE_1
#undef REEL_PROBE_2
#undef REEL_PROBE_WIDE_1
#undef REEL_PROBE_WIDE_2

constexpr Probe zeros_like(const Probe&) { return {}; }
constexpr Probe where(const Probe& condition, const Probe& a, const Probe& b) {
  return both(condition, both(a, b));
}
constexpr Probe clamp(const Probe& x, double, double) { return x.in_vectors(); }
constexpr Probe nth_polygamma(const Probe& x, double) { return x.in_vectors(); }
constexpr Normal<Probe> normal_at(const Probe& x) { return {x.in_vectors(), x.in_vectors()}; }

/// How many numbers a function takes.
template <class... Numbers>
constexpr std::size_t count_of(void (*)(Numbers...)) {
  return sizeof...(Numbers);
}

/// `f(numbers...)` for `count` numbers of an array.
template <std::size_t count, class F, class Number>
constexpr auto with_numbers(F f, const Number* numbers) {
  if constexpr (count == 0) {
    return f();
  } else if constexpr (count == 1) {
    return f(numbers[0]);
  } else if constexpr (count == 2) {
    return f(numbers[0], numbers[1]);
  } else {
    static_assert(count == 3);
    return f(numbers[0], numbers[1], numbers[2]);
  }
}

inline constexpr double some_numbers[] = {1, 1, 1};

/// What the value of a row needs.
template <class Row>
inline constexpr Probe needs_of_value = [] {
  const Probe a(true, false, false), b(false, true, false);
  if constexpr (std::is_same_v<decltype(Row::code), const Binary>) {
    return Row::value(a, b);
  } else {
    return with_numbers<Row::numbers>([&](auto... number) { return Row::value(a, number...); },
                                      some_numbers);
  }
}();

/// What a derivative needs beside dy: x or a is `first`, y or b `second`.
template <class Derivative>
inline constexpr Probe needs_of = with_numbers<Derivative::numbers>(
    [](auto... number) {
      return Derivative::of(Probe(), Probe(true, false, false), Probe(false, true, false),
                            number...);
    },
    some_numbers);

#define REEL_AND(...) __VA_OPT__(, ) __VA_ARGS__

#define REEL_UNARY_OF(NAME, NUMBERS, TAKES, VALUE, DERIVATIVE)               \
  struct NAME##Row {                                                         \
    static constexpr char name[] = #NAME;                                    \
    static constexpr Unary code = Unary::NAME;                               \
    static constexpr Takes takes = Takes::TAKES;                             \
    template <class Number>                                                  \
    using Function = void(*) NUMBERS;                                        \
    static constexpr std::size_t numbers = count_of(Function<double>());     \
    template <class X, class Number = double>                                \
    static constexpr X value([[maybe_unused]] const X& x REEL_AND NUMBERS) { \
      return VALUE;                                                          \
    }                                                                        \
    struct Derivative {                                                      \
      static constexpr char name[] = #NAME "_backward";                      \
      static constexpr Slope code = Slope::NAME;                             \
      static constexpr std::size_t numbers = NAME##Row::numbers;             \
      template <class X, class Number = double>                              \
      static constexpr X of(const X& dy, [[maybe_unused]] const X& x,        \
                            [[maybe_unused]] const X& y REEL_AND NUMBERS) {  \
        return DERIVATIVE;                                                   \
      }                                                                      \
    };                                                                       \
  };

#define REEL_SIDE(SIDE, NAME, CODE, DERIVATIVE)                                                    \
  struct SIDE {                                                                                    \
    static constexpr char name[] = #NAME "_backward";                                              \
    static constexpr Slope code = Slope::CODE;                                                     \
    static constexpr std::size_t numbers = 0;                                                      \
    template <class X>                                                                             \
    static constexpr X of(const X& dy, [[maybe_unused]] const X& a, [[maybe_unused]] const X& b) { \
      return DERIVATIVE;                                                                           \
    }                                                                                              \
  };
#define REEL_BINARY_OF(NAME, TAKES, VALUE, BY_A, BY_B) \
  struct NAME##Row {                                   \
    static constexpr char name[] = #NAME;              \
    static constexpr Binary code = Binary::NAME;       \
    static constexpr Takes takes = Takes::TAKES;       \
    static constexpr std::size_t numbers = 0;          \
    template <class X>                                 \
    static constexpr X value(const X& a, const X& b) { \
      return VALUE;                                    \
    }                                                  \
    REEL_SIDE(ByA, NAME, NAME##_by_a, BY_A)            \
    REEL_SIDE(ByB, NAME, NAME##_by_b, BY_B)            \
  };

#define REEL_TEST(NAME, CONDITION)            \
  struct NAME##Row {                          \
    static constexpr char name[] = #NAME;     \
    static constexpr Test code = Test::NAME;  \
    template <class X>                        \
    static constexpr auto value(const X& x) { \
      return CONDITION;                       \
    }                                         \
  };
#define REEL_COMPARE(NAME, CONDITION)                     \
  struct NAME##Row {                                      \
    static constexpr char name[] = #NAME;                 \
    static constexpr Compare code = Compare::NAME;        \
    template <class X>                                    \
    static constexpr auto value(const X& a, const X& b) { \
      return CONDITION;                                   \
    }                                                     \
  };
#define REEL_BITWISE(NAME, VALUE)                      \
  struct NAME##Row {                                   \
    static constexpr char name[] = #NAME;              \
    static constexpr Bitwise code = Bitwise::NAME;     \
    template <class X>                                 \
    static constexpr X value(const X& a, const X& b) { \
      return VALUE;                                    \
    }                                                  \
  };

// A derivative need not mention all numbers.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "reel/kernels/pointwise_rows.inc"
#pragma GCC diagnostic pop

#undef REEL_SIDE
#undef REEL_AND

/// Calls `f(Row{})` for every row of one tensor with a derivative,
template <class F>
constexpr void for_each_unary(F f) {
#define REEL_UNARY_OF(NAME, ...) f(NAME##Row{});
#include "reel/kernels/pointwise_rows.inc"
}
/// of two,
template <class F>
constexpr void for_each_binary(F f) {
#define REEL_BINARY_OF(NAME, ...) f(NAME##Row{});
#include "reel/kernels/pointwise_rows.inc"
}
/// for those of one with a bool result,
template <class F>
constexpr void for_each_test(F f) {
#define REEL_TEST(NAME, ...) f(NAME##Row{});
#include "reel/kernels/pointwise_rows.inc"
}
/// and of two,
template <class F>
constexpr void for_each_compare(F f) {
#define REEL_COMPARE(NAME, ...) f(NAME##Row{});
#include "reel/kernels/pointwise_rows.inc"
}
/// and for those of bits.
template <class F>
constexpr void for_each_bitwise(F f) {
#define REEL_BITWISE(NAME, ...) f(NAME##Row{});
#include "reel/kernels/pointwise_rows.inc"
}

/// Calls `f(Derivative{})` for every derivative.
template <class F>
constexpr void for_each_derivative(F f) {
  for_each_unary([&](auto row) { f(typename decltype(row)::Derivative{}); });
  for_each_binary([&](auto row) {
    f(typename decltype(row)::ByA{});
    f(typename decltype(row)::ByB{});
  });
}

}  // namespace reel::kernels::rows
