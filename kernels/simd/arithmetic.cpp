#include <cstdint>
#include <type_traits>

#include "reel/kernels/pointwise.h"
#include "reel/kernels/simd/rows.h"

namespace reel::kernels::REEL_ISA {
namespace {

template <class T>
inline constexpr bool is_float = std::is_floating_point_v<T>;

/// The type to calculate in: unsigned for integers, so that overflow wraps as in PyTorch.
template <class T, bool = std::is_integral_v<T> && !std::is_same_v<T, bool>>
struct Work {
  using type = T;
};
template <class T>
struct Work<T, true> {
  using type = std::make_unsigned_t<T>;
};
template <class T>
using WorkType = typename Work<T>::type;

// ---- one operand

struct Neg {
  template <class T>
  T operator()(T x) const {
    if constexpr (is_float<T>) return -x;
    return static_cast<T>(WorkType<T>(0) - static_cast<WorkType<T>>(x));
  }
};
struct Abs {
  float operator()(float x) const { return __builtin_fabsf(x); }
  double operator()(double x) const { return __builtin_fabs(x); }
  template <class T>
  T operator()(T x) const {
    return std::is_unsigned_v<T> || x >= T(0) ? x : Neg{}(x);
  }
};
struct Sign {
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(static_cast<int>(x > T(0)) - static_cast<int>(x < T(0)));
  }
};
struct Square {
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(static_cast<WorkType<T>>(x) * static_cast<WorkType<T>>(x));
  }
};
struct Relu {
  template <class T>
  T operator()(T x) const {
    return x < T(0) ? T(0) : x;  // a NaN stays one
  }
};
struct LeakyRelu {
  double slope;
  explicit LeakyRelu(const double* params) : slope(params[0]) {}
  template <class T>
  T operator()(T x) const {
    return x > T(0) ? x : x * static_cast<T>(slope);
  }
};

/// A bound as a T; for integers an int64 in the bits of the double, which is exact.
template <class T>
T bound(double value) {
  if constexpr (is_float<T>) {
    return static_cast<T>(value);
  } else {
    return static_cast<T>(__builtin_bit_cast(std::int64_t, value));
  }
}

template <class T>
struct Clamp {
  T min, max;
  T undefined = T(0);  // -0, which changes no number that it is added to, or NaN if a bound is
  explicit Clamp(const double* params) : min(bound<T>(params[0])), max(bound<T>(params[1])) {
    if constexpr (is_float<T>) undefined = min == min && max == max ? -T(0) : min + max;
  }
  T operator()(T x) const {
    const T raised = x < min ? min : x;  // a NaN stays one
    const T cut = raised > max ? max : raised;
    if constexpr (is_float<T>) return cut + undefined;
    return cut;
  }
};

struct Floor {
  float operator()(float x) const { return __builtin_floorf(x); }
  double operator()(double x) const { return __builtin_floor(x); }
};
struct Ceil {
  float operator()(float x) const { return __builtin_ceilf(x); }
  double operator()(double x) const { return __builtin_ceil(x); }
};
struct Round {  // halves to the even neighbour
  float operator()(float x) const { return __builtin_rintf(x); }
  double operator()(double x) const { return __builtin_rint(x); }
};
struct Sqrt {
  float operator()(float x) const { return __builtin_sqrtf(x); }
  double operator()(double x) const { return __builtin_sqrt(x); }
};
struct Reciprocal {
  template <class T>
  T operator()(T x) const {
    return T(1) / x;
  }
};

// ---- one operand, bool result

struct IsNan {
  template <class T>
  bool operator()(T x) const {
    if constexpr (is_float<T>) return x != x;
    return false;
  }
};
struct IsInf {
  template <class T>
  bool operator()(T x) const {
    if constexpr (is_float<T>) return Abs{}(x) == static_cast<T>(__builtin_inf());
    return false;
  }
};
struct IsFinite {
  template <class T>
  bool operator()(T x) const {
    if constexpr (is_float<T>) return Abs{}(x) < static_cast<T>(__builtin_inf());
    return true;
  }
};
struct LogicalNot {
  template <class T>
  bool operator()(T x) const {
    return x == T(0);
  }
};

// ---- two operands

struct Add {
  bool operator()(bool a, bool b) const { return a | b; }
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<WorkType<T>>(a) + static_cast<WorkType<T>>(b));
  }
};
struct Sub {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<WorkType<T>>(a) - static_cast<WorkType<T>>(b));
  }
};
struct Mul {
  bool operator()(bool a, bool b) const { return a & b; }
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<WorkType<T>>(a) * static_cast<WorkType<T>>(b));
  }
};
struct Div {
  template <class T>
  T operator()(T a, T b) const {
    return a / b;
  }
};
struct IntegerPow {
  std::int64_t operator()(std::int64_t base, std::int64_t exponent) const {
    std::uint64_t power = 1;
    for (auto factor = static_cast<std::uint64_t>(base); exponent > 0; exponent >>= 1) {
      if ((exponent & 1) != 0) power *= factor;
      factor *= factor;
    }
    return static_cast<std::int64_t>(power);
  }
};
struct Maximum {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (is_float<T>) return ((a > b) | (a != a)) ? a : b;  // either's NaN comes through
    return a > b ? a : b;
  }
};
struct Minimum {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (is_float<T>) return ((a < b) | (a != a)) ? a : b;
    return a < b ? a : b;
  }
};

struct ReluBackward {
  template <class T>
  T operator()(T dy, T y) const {
    return y > T(0) ? dy : T(0);
  }
};
struct LeakyReluBackward {
  double slope;
  explicit LeakyReluBackward(const double* params) : slope(params[0]) {}
  template <class T>
  T operator()(T dy, T x) const {
    return x > T(0) ? dy : dy * static_cast<T>(slope);
  }
};
template <class T>
struct ClampBackward {
  // The last numbers within the bounds, NaN where there are none; an infinite bound is none.
  T min, max;
  explicit ClampBackward(const double* params)
      : min(within(static_cast<T>(params[0]), static_cast<T>(__builtin_inf()))),
        max(within(static_cast<T>(params[1]), -static_cast<T>(__builtin_inf()))) {}
  static T within(T bound, T towards) {
    if (bound == towards) return static_cast<T>(__builtin_nan(""));
    return bound == -towards ? bound : static_cast<T>(next(bound, towards));
  }
  static float next(float x, float towards) { return __builtin_nextafterf(x, towards); }
  static double next(double x, double towards) { return __builtin_nextafter(x, towards); }
  T operator()(T dy, T x) const { return ((x >= min) & (x <= max)) ? dy : T(0); }
};
struct AbsBackward {
  template <class T>
  T operator()(T dy, T x) const {
    return dy * Sign{}(x);
  }
};
struct TanhBackward {
  template <class T>
  T operator()(T dy, T y) const {
    return dy * (T(1) - y * y);
  }
};
struct SigmoidBackward {
  template <class T>
  T operator()(T dy, T y) const {
    return dy * ((T(1) - y) * y);
  }
};
struct SquareBackward {
  template <class T>
  T operator()(T dy, T x) const {
    return dy * (x + x);
  }
};
struct ReciprocalBackward {
  template <class T>
  T operator()(T dy, T y) const {
    return -dy * (y * y);
  }
};
struct RsqrtBackward {
  template <class T>
  T operator()(T dy, T y) const {
    return dy * (T(-0.5) * (y * y * y));
  }
};
struct Expm1Backward {
  template <class T>
  T operator()(T dy, T y) const {
    return dy * (y + T(1));
  }
};
struct Log1pBackward {
  template <class T>
  T operator()(T dy, T x) const {
    return dy / (x + T(1));
  }
};
struct SqrtBackward {
  template <class T>
  T operator()(T dy, T y) const {
    return dy / (T(2) * y);
  }
};

// ---- two operands, bool result

#define REEL_COMPARISON(Name, condition) \
  struct Name {                          \
    template <class T>                   \
    bool operator()(T a, T b) const {    \
      return condition;                  \
    }                                    \
  }
REEL_COMPARISON(Equal, a == b);
REEL_COMPARISON(NotEqual, a != b);
REEL_COMPARISON(Less, a < b);
REEL_COMPARISON(LessEqual, a <= b);
REEL_COMPARISON(Greater, a > b);
REEL_COMPARISON(GreaterEqual, a >= b);
REEL_COMPARISON(And, (a != T(0)) & (b != T(0)));
REEL_COMPARISON(Or, (a != T(0)) | (b != T(0)));
REEL_COMPARISON(Xor, (a != T(0)) != (b != T(0)));
#undef REEL_COMPARISON

// ---- three operands

struct MaximumBackward {
  template <class T>
  T operator()(T dy, T a, T b) const {
    return a < b ? T(0) : a == b ? dy * T(0.5) : dy;
  }
};
struct DivBackward {
  template <class T>
  T operator()(T dy, T a, T b) const {
    return -dy * (a / b) / b;
  }
};
struct MinimumBackward {
  template <class T>
  T operator()(T dy, T a, T b) const {
    return a > b ? T(0) : a == b ? dy * T(0.5) : dy;
  }
};
struct Where {  // of bits, without a branch: a random condition would mispredict every other one
  template <class T>
  T operator()(std::uint8_t condition, T a, T b) const {
    const T mask = static_cast<T>(T(0) - static_cast<T>(condition));
    return static_cast<T>((a & mask) | (b & static_cast<T>(~mask)));
  }
};

// ---- the table

constexpr int index(DType dtype) { return static_cast<int>(dtype); }

template <class F, class T>
void set(ArithmeticTable& table, Unary op) {
  table.unary[static_cast<int>(op)][index(dtype_of<T>)] = map1<F, T, T>;
}
template <class F, class T>
void set(ArithmeticTable& table, Test op) {
  table.test[static_cast<int>(op)][index(dtype_of<T>)] = map1<F, bool, T>;
}
template <class F, class T>
void set(ArithmeticTable& table, Binary op) {
  table.binary[static_cast<int>(op)][index(dtype_of<T>)] = map2<F, T, T>;
}
template <class F, class T>
void set(ArithmeticTable& table, Compare op) {
  table.compare[static_cast<int>(op)][index(dtype_of<T>)] = map2<F, bool, T>;
}
template <class F, class T>
void set(ArithmeticTable& table, Ternary op) {
  table.ternary[static_cast<int>(op)][index(dtype_of<T>)] = map3<F, T, T, T, T>;
}

template <class T>
void set_all_dtypes(ArithmeticTable& table) {
  set<IsNan, T>(table, Test::isnan);
  set<IsInf, T>(table, Test::isinf);
  set<IsFinite, T>(table, Test::isfinite);
  set<LogicalNot, T>(table, Test::logical_not);
  set<Add, T>(table, Binary::add);
  set<Mul, T>(table, Binary::mul);
  set<Maximum, T>(table, Binary::maximum);
  set<Minimum, T>(table, Binary::minimum);
  set<Equal, T>(table, Compare::eq);
  set<NotEqual, T>(table, Compare::ne);
  set<Less, T>(table, Compare::lt);
  set<LessEqual, T>(table, Compare::le);
  set<Greater, T>(table, Compare::gt);
  set<GreaterEqual, T>(table, Compare::ge);
  set<And, T>(table, Compare::logical_and);
  set<Or, T>(table, Compare::logical_or);
  set<Xor, T>(table, Compare::logical_xor);
}

template <class T>
void set_numbers(ArithmeticTable& table) {
  set_all_dtypes<T>(table);
  set<Neg, T>(table, Unary::neg);
  set<Abs, T>(table, Unary::abs);
  set<Sign, T>(table, Unary::sign);
  set<Square, T>(table, Unary::square);
  set<Relu, T>(table, Unary::relu);
  set<Clamp<T>, T>(table, Unary::clamp);
  set<Sub, T>(table, Binary::sub);
}

template <class T>
void set_floating(ArithmeticTable& table) {
  set_numbers<T>(table);
  set<Floor, T>(table, Unary::floor);
  set<Ceil, T>(table, Unary::ceil);
  set<Round, T>(table, Unary::round);
  set<Sqrt, T>(table, Unary::sqrt);
  set<Reciprocal, T>(table, Unary::reciprocal);
  set<LeakyRelu, T>(table, Unary::leaky_relu);
  set<Div, T>(table, Binary::div);
  set<ReluBackward, T>(table, Binary::relu_backward_from_y);
  set<LeakyReluBackward, T>(table, Binary::leaky_relu_backward);
  set<ClampBackward<T>, T>(table, Binary::clamp_backward);
  set<AbsBackward, T>(table, Binary::abs_backward);
  set<TanhBackward, T>(table, Binary::tanh_backward_from_y);
  set<SigmoidBackward, T>(table, Binary::sigmoid_backward_from_y);
  set<SqrtBackward, T>(table, Binary::sqrt_backward_from_y);
  set<SquareBackward, T>(table, Binary::square_backward);
  set<ReciprocalBackward, T>(table, Binary::reciprocal_backward_from_y);
  set<RsqrtBackward, T>(table, Binary::rsqrt_backward_from_y);
  set<Expm1Backward, T>(table, Binary::expm1_backward_from_y);
  set<Log1pBackward, T>(table, Binary::log1p_backward);
  set<DivBackward, T>(table, Ternary::div_backward);
  set<MaximumBackward, T>(table, Ternary::maximum_backward);
  set<MinimumBackward, T>(table, Ternary::minimum_backward);
}

ArithmeticTable make_table() {
  ArithmeticTable table;
  set_floating<float>(table);
  set_floating<double>(table);
  set_numbers<std::int64_t>(table);
  set<IntegerPow, std::int64_t>(table, Binary::pow);
  set_numbers<std::int32_t>(table);
  set_numbers<std::uint8_t>(table);
  set_all_dtypes<bool>(table);
  // Only the number of bytes matters.
  table.where[index(float32)] =
      map3<Where, std::uint32_t, std::uint8_t, std::uint32_t, std::uint32_t>;
  table.where[index(float64)] =
      map3<Where, std::uint64_t, std::uint8_t, std::uint64_t, std::uint64_t>;
  table.where[index(uint8)] = map3<Where, std::uint8_t, std::uint8_t, std::uint8_t, std::uint8_t>;
  table.where[index(int32)] = table.where[index(float32)];
  table.where[index(int64)] = table.where[index(float64)];
  table.where[index(bool_)] = table.where[index(uint8)];
  return table;
}

}  // namespace

const ArithmeticTable& arithmetic_table() {
  static const ArithmeticTable table = make_table();
  return table;
}

}  // namespace reel::kernels::REEL_ISA
