// Walks every row of kernels/pointwise_rows.inc: values and derivatives of the op against the row's
// formula in exact words, of the kernel against the tape and against fuse, at ordinary numbers, zeros
// of both signs, infinities, NaN and numbers that are not normal; and gradients of gradients by
// differences.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "reel/autograd/gradcheck.h"
#include "reel/autograd/tape.h"
#include "reel/ops/ops.h"
#include "reel/ops/pointwise/fuse.h"
#include "reel/ops/pointwise/row_op.h"
#include "support/exact.h"

using namespace reel;
using reel::testing::Exact;
namespace rows = kernels::rows;

namespace {

// `div` with a mode.
template <class X>
X trunc_divide(const X& a, const X& b) {
  return div(a, b, {.rounding_mode = "trunc"});
}

/// A row's function, of tensors and of elements.
template <class Row>
struct Call;

#define REEL_UNARY(NAME, ...)    \
  template <>                    \
  struct Call<rows::NAME##Row> { \
    template <class X>           \
    static auto of(const X& x) { \
      return NAME(x);            \
    }                            \
  };
#define REEL_BINARY_OF(NAME, ...)            \
  template <>                                \
  struct Call<rows::NAME##Row> {             \
    template <class X>                       \
    static auto of(const X& a, const X& b) { \
      return NAME(a, b);                     \
    }                                        \
  };
#include "reel/kernels/pointwise_rows.inc"

// Elements have operators for these.
template <class X>
X add(const X& a, const X& b) {
  return a + b;
}
template <class X>
X sub(const X& a, const X& b) {
  return a - b;
}
template <class X>
X mul(const X& a, const X& b) {
  return a * b;
}
template <class X>
X div(const X& a, const X& b) {
  return a / b;
}
/// What functions that take numbers are given here, in their order.
template <class Row>
constexpr double numbers_of_row[] = {0.5, 1.25, 2.5};
template <>
constexpr double numbers_of_row<rows::logitRow>[] = {0.1};
template <>
constexpr double numbers_of_row<rows::polygammaRow>[] = {2};

#define REEL_CALL(ROW, CALL)                                                \
  template <>                                                               \
  struct Call<rows::ROW> {                                                  \
    template <class X>                                                      \
    static auto of(const X& x) {                                            \
      [[maybe_unused]] constexpr auto& numbers = numbers_of_row<rows::ROW>; \
      return CALL;                                                          \
    }                                                                       \
  };
REEL_CALL(polygammaRow, polygamma(static_cast<Size>(numbers[0]), x))
REEL_CALL(logitRow, logit(x, numbers[0]))
REEL_CALL(nan_to_numRow,
          nan_to_num(x, {.nan = numbers[0], .posinf = numbers[1], .neginf = numbers[2]}))
REEL_CALL(clampRow, clamp(x, numbers[0], numbers[1]))
REEL_CALL(reluRow, relu(x))
REEL_CALL(geluRow, gelu(x))
REEL_CALL(gelu_tanhRow, gelu(x, {.approximate = "tanh"}))
REEL_CALL(leaky_reluRow, leaky_relu(x, numbers[0]))
REEL_CALL(eluRow, elu(x, numbers[0]))
REEL_CALL(celuRow, celu(x, numbers[0]))
REEL_CALL(hardtanhRow, hardtanh(x, numbers[0], numbers[1]))
REEL_CALL(thresholdRow, threshold(x, numbers[0], numbers[1]))
REEL_CALL(softshrinkRow, softshrink(x, numbers[0]))
REEL_CALL(hardshrinkRow, hardshrink(x, numbers[0]))
REEL_CALL(softplusRow, softplus(x, numbers[0], numbers[1]))

template <class T>
std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> all;
  for (const double x : {0.0, 0.25, 0.5, 1.0, 1.25, 2.0, 2.5, 3.0, 3.7, 20.0, 90.0, 1e5, 1e-5}) {
    all.insert(all.end(), {static_cast<T>(x), static_cast<T>(-x)});
  }
  for (const T x : {Limits::infinity(), Limits::max(), Limits::min(), Limits::denorm_min()}) {
    all.insert(all.end(), {x, -x});
  }
  all.push_back(Limits::quiet_NaN());
  return all;
}

template <class T>
Tensor tensor_of(const std::vector<T>& values) {
  return from_blob(const_cast<T*>(values.data()), {static_cast<Size>(values.size())}).clone();
}

template <class T>
std::vector<T> numbers_of(const Tensor& x) {
  const Tensor packed = x.detach().contiguous();
  return {packed.data_ptr<T>(), packed.data_ptr<T>() + packed.numel()};
}

/// The same, or as near as rounding allows; numbers that are not normal may be 0.
template <class T>
bool near(T got, T wanted) {
  if (std::isnan(got) || std::isnan(wanted)) return std::isnan(got) && std::isnan(wanted);
  if (got == wanted) return true;
  const T relative = sizeof(T) == 4 ? static_cast<T>(2e-6) : static_cast<T>(2e-14);
  return std::abs(got - wanted) <= relative * (std::abs(wanted) + T(0.01));
}

/// Fails for the first place where they differ.
template <class T, class... Inputs>
void check_near(const char* what, const std::vector<T>& got, const std::vector<T>& wanted,
                const Inputs&... inputs) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (near(got[i], wanted[i])) continue;
    std::string at;
    ((at += fmt::format(" {}", inputs[i])), ...);
    FAIL_CHECK(fmt::format("{} at{}: {}, expected {}", what, at, got[i], wanted[i]));
    return;
  }
}

template <class T>
bool same_bits(T a, T b) {
  return (a == b && std::signbit(a) == std::signbit(b)) || (std::isnan(a) && std::isnan(b));
}

/// As many as it takes for fuse to fuse.
Tensor repeated(const Tensor& x) {
  constexpr std::size_t enough = 9000;
  return cat(std::vector<Tensor>(enough / static_cast<std::size_t>(x.numel()) + 1, x.detach()));
}

/// Fused and not: the same bits, forward and backward.
template <class T>
void check_fused(const Tensor& fused, const Tensor& plain, const std::vector<Tensor>& inputs) {
  REQUIRE(std::string(fused.impl().node->name) == "fused");
  const auto check = [&](const char* what, const Tensor& a, const Tensor& b) {
    const std::vector<T> got = numbers_of<T>(a), wanted = numbers_of<T>(b);
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (same_bits(got[i], wanted[i])) continue;
      std::string at;
      for (const Tensor& x : inputs) at += fmt::format(" {}", numbers_of<T>(x)[i]);
      FAIL_CHECK(fmt::format("fused {} at{}: {}, the op says {}", what, at, got[i], wanted[i]));
      return;
    }
  };
  check("value", fused, plain);
  for (const double weight : {1.0, 0.0, std::numeric_limits<double>::infinity()}) {
    const GradOptions options{.grad_outputs = {full_like(plain, weight)}, .retain_graph = true};
    const auto of_fused = grad({fused}, inputs, options), of_plain = grad({plain}, inputs, options);
    for (std::size_t i = 0; i < inputs.size(); ++i) check("gradient", of_fused[i], of_plain[i]);
  }
}

/// The gradients by kernels and, where the tape follows the backward, by formulas.
struct BothWays {
  std::vector<Tensor> kernel, tape;
};
BothWays gradients(const Tensor& y, const std::vector<Tensor>& inputs, const Tensor& dy) {
  const Tensor followed = dy.detach().clone().requires_grad_();
  return {grad({y}, inputs, {.grad_outputs = {dy}, .retain_graph = true}),
          grad({y}, inputs, {.grad_outputs = {followed}, .create_graph = true})};
}

/// Finite numbers that no function here has a kink at, and that it and its derivatives are finite at.
template <class Keep>
Tensor ordinary(Keep keep) {
  std::vector<double> kept;
  for (const double x : {-2.83, -1.71, -0.77, -0.29, 0.13, 0.37, 0.81, 1.43, 2.63}) {
    if (keep(x)) kept.push_back(x);
  }
  return tensor_of(kept).requires_grad_();
}

template <class Row, class X>
X value_of(const X& x) {
  return rows::with_numbers<Row::numbers>([&](auto... n) { return Row::value(x, n...); },
                                          numbers_of_row<Row>);
}
template <class Row, class X>
X slope_of(const X& dy, const X& x, const X& y) {
  return rows::with_numbers<Row::numbers>(
      [&](auto... n) { return Row::Derivative::of(dy, x, y, n...); }, numbers_of_row<Row>);
}

/// A row of one tensor as functions, so that what checks it is compiled once for all rows.
template <class T>
struct UnaryFunctions {
  Tensor (*op)(const Tensor& x);
  Tensor (*fused)(const Tensor& x);
  T (*value)(T x);
  T (*slope)(T dy, T x, T y);
};
template <class Row, class T>
constexpr UnaryFunctions<T> unary_functions{
    .op = [](const Tensor& x) -> Tensor { return Call<Row>::of(x); },
    .fused = [](const Tensor& x) -> Tensor {
      return fuse([](const auto& v) { return Call<Row>::of(v); })(x);
    },
    .value = [](T x) { return value_of<Row>(Exact<T>(x)).value; },
    .slope = [](T dy, T x,
                T y) { return slope_of<Row>(Exact<T>(dy), Exact<T>(x), Exact<T>(y)).value; },
};

/// A row of two.
template <class T>
struct BinaryFunctions {
  Tensor (*op)(const Tensor& a, const Tensor& b);
  Tensor (*fused)(const Tensor& a, const Tensor& b);
  T (*value)(T a, T b);
  T (*by_a)(T dy, T a, T b);
  T (*by_b)(T dy, T a, T b);
};
template <class Row, class T>
constexpr BinaryFunctions<T> binary_functions{
    .op = [](const Tensor& a, const Tensor& b) -> Tensor { return Call<Row>::of(a, b); },
    .fused = [](const Tensor& a, const Tensor& b) -> Tensor {
      return fuse([](const auto& v, const auto& w) { return Call<Row>::of(v, w); })(a, b);
    },
    .value = [](T a, T b) { return Row::value(Exact<T>(a), Exact<T>(b)).value; },
    .by_a = [](T dy, T a,
               T b) { return Row::ByA::of(Exact<T>(dy), Exact<T>(a), Exact<T>(b)).value; },
    .by_b = [](T dy, T a,
               T b) { return Row::ByB::of(Exact<T>(dy), Exact<T>(a), Exact<T>(b)).value; },
};

template <class T>
void check_unary_at_special_values(const UnaryFunctions<T>& row) {
  const std::vector<T> x = special_values<T>();
  const Tensor input = tensor_of(x).requires_grad_();
  const Tensor out = row.op(input);
  const std::vector<T> y = numbers_of<T>(out);
  std::vector<T> wanted;
  for (const T at : x) wanted.push_back(row.value(at));
  check_near("value", y, wanted, x);

  const T weight = -1.75;
  const BothWays got = gradients(out, {input}, full_like(out, weight));
  for (std::size_t i = 0; i < x.size(); ++i) wanted[i] = row.slope(weight, x[i], y[i]);
  check_near("derivative by the kernel", numbers_of<T>(got.kernel[0]), wanted, x);
  check_near("derivative on the tape", numbers_of<T>(got.tape[0]), wanted, x);
  const Tensor many = repeated(input).requires_grad_();
  check_fused<T>(row.fused(many), row.op(many), {many});
}

template <class T>
void check_binary_at_special_values(const BinaryFunctions<T>& row) {
  std::vector<T> a, b;
  for (const T left : special_values<T>()) {
    for (const T right : special_values<T>()) {
      a.push_back(left);
      b.push_back(right);
    }
  }
  const Tensor left = tensor_of(a).requires_grad_(), right = tensor_of(b).requires_grad_();
  const Tensor out = row.op(left, right);
  const std::vector<T> y = numbers_of<T>(out);
  std::vector<T> wanted(a.size()), by_a(a.size()), by_b(a.size());
  const T weight = -1.75;
  for (std::size_t i = 0; i < a.size(); ++i) {
    wanted[i] = row.value(a[i], b[i]);
    by_a[i] = row.by_a(weight, a[i], b[i]);
    by_b[i] = row.by_b(weight, a[i], b[i]);
  }
  check_near("value", y, wanted, a, b);
  const BothWays got = gradients(out, {left, right}, full_like(out, weight));
  check_near("derivative by a by the kernel", numbers_of<T>(got.kernel[0]), by_a, a, b);
  check_near("derivative by b by the kernel", numbers_of<T>(got.kernel[1]), by_b, a, b);
  check_near("derivative by a on the tape", numbers_of<T>(got.tape[0]), by_a, a, b);
  check_near("derivative by b on the tape", numbers_of<T>(got.tape[1]), by_b, a, b);
  const Tensor many_left = repeated(left).requires_grad_();
  const Tensor many_right = repeated(right).requires_grad_();
  check_fused<T>(row.fused(many_left, many_right), row.op(many_left, many_right),
                 {many_left, many_right});
}

/// One function of tensors is as its derivatives say, near `x`.
void check_derivatives_of_unary(Tensor (*op)(const Tensor&), const Tensor& x) {
  REQUIRE(x.numel() > 1);
  const auto f = [&](const std::vector<Tensor>& in) { return std::vector<Tensor>{op(in[0])}; };
  CHECK(gradcheck(f, {x}));
  CHECK(gradgradcheck(f, {x}));
}

void check_derivatives_of_binary(Tensor (*op)(const Tensor&, const Tensor&)) {
  const auto f = [&](const std::vector<Tensor>& in) {
    return std::vector<Tensor>{op(in[0], in[1])};
  };
  const Tensor a = tensor_of(std::vector<double>{0.37, 1.71, 2.83, 0.59, 1.37});
  const Tensor b = tensor_of(std::vector<double>{0.81, -0.77, 1.43, 2.3, -1.9});
  bool checked = false;
  for (const Tensor& left : {a, -a}) {
    for (const Tensor& right : {b, abs(b)}) {
      const Tensor y = op(left, right);
      if (isnan(y).any().item<bool>()) continue;
      const std::vector<Tensor> inputs{left.clone().requires_grad_(),
                                       right.clone().requires_grad_()};
      CHECK(gradcheck(f, inputs));
      CHECK(gradgradcheck(f, inputs));
      checked = true;
    }
  }
  CHECK(checked);
}

}  // namespace

TEST_CASE("every row of one tensor: value, kernel, tape and fuse agree at special values") {
  rows::for_each_unary([]<class Row>(Row) {
    SUBCASE(Row::name) {
      check_unary_at_special_values(unary_functions<Row, float>);
      check_unary_at_special_values(unary_functions<Row, double>);
    }
  });
}

TEST_CASE("every row of two tensors: value, kernel, tape and fuse agree at special values") {
  rows::for_each_binary([]<class Row>(Row) {
    SUBCASE(Row::name) {
      check_binary_at_special_values(binary_functions<Row, float>);
      check_binary_at_special_values(binary_functions<Row, double>);
    }
  });
}

TEST_CASE("every row's derivatives, and theirs, agree with differences") {
  rows::for_each_unary([]<class Row>(Row) {
    CAPTURE(std::string(Row::name));
    const Tensor x = ordinary([](double at) {
      const Exact<double> y = value_of<Row>(Exact<double>(at));
      return std::isfinite(y.value) &&
             std::isfinite(slope_of<Row>(Exact<double>(1), Exact<double>(at), y).value);
    });
    check_derivatives_of_unary(unary_functions<Row, double>.op, x);
  });
  rows::for_each_binary([]<class Row>(Row) {
    CAPTURE(std::string(Row::name));
    check_derivatives_of_binary(binary_functions<Row, double>.op);
  });
}

TEST_CASE("what a derivative mentions is what backward saves") {
  using rows::needs_of;
  CHECK(needs_of<rows::expRow::Derivative>.second);
  CHECK_FALSE(needs_of<rows::expRow::Derivative>.first);
  CHECK_FALSE(needs_of<rows::negRow::Derivative>.first);
  CHECK_FALSE(needs_of<rows::negRow::Derivative>.second);
  CHECK_FALSE(needs_of<rows::mulRow::ByA>.first);
  CHECK(needs_of<rows::mulRow::ByA>.second);
  CHECK(needs_of<rows::divRow::ByB>.first);
  CHECK_FALSE(needs_of<rows::signRow::Derivative>.first);  // zeros_like asks for the shape only
  // So exp can be changed in place by who made its input, sin not.
  const Tensor w = ones({2}, {.requires_grad = true}), x = w * 1, y = w * 1;
  const Tensor e = exp(x).sum(), s = sin(y).sum();
  {
    const NoGradGuard no_grad;
    x.add_(1);
    y.add_(1);
  }
  CHECK_NOTHROW(e.backward());
  CHECK_THROWS_WITH_AS(s.backward(), doctest::Contains("in place"), Error);
}
