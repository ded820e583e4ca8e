#pragma once

// One-line tests for ops: forward against expected values, first and second derivatives against
// differences, over shapes that include [], [0], broadcast and non-contiguous inputs.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "reel/autograd/gradcheck.h"
#include "reel/autograd/tape.h"
#include "reel/autograd/tensor.h"
#include "reel/ops/ops.h"

/// An op as a function object, whatever else has its name: `check_unary(REEL_OP(abs), ...)`.
#define REEL_OP(op) [](const auto&... operands) { return ::reel::op(operands...); }

namespace reel::testing {

/// The elements in row-major order, as doubles.
inline std::vector<double> values_of(const Tensor& x) {
  const Tensor packed = x.detach().to(float64).contiguous();
  const double* data = packed.data_ptr<double>();
  return {data, data + packed.numel()};
}

/// A float64 tensor of the shape, elements drawn evenly from [low, high).
inline Tensor random_tensor(const Shape& shape, double low = -2, double high = 2,
                            std::uint32_t seed = 1) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  Tensor x = empty(shape, {.dtype = float64});
  for (Size i = 0; i < x.numel(); ++i) x.data_ptr<double>()[i] = uniform(generator);
  return x;
}

/// The same with its dimensions reversed in memory and gaps between elements.
inline Tensor strided_random_tensor(const Shape& shape, double low = -2, double high = 2,
                                    std::uint32_t seed = 1) {
  Shape reversed;
  for (Size d = shape.size() - 1; d >= 0; --d) reversed.push_back(shape[d]);
  if (!reversed.empty()) reversed.back() *= 2;
  Tensor x = random_tensor(reversed, low, high, seed);
  if (reversed.empty()) return x;
  Dims order;
  for (Size d = shape.size() - 1; d >= 0; --d) order.push_back(d);
  return x.slice(-1, {}, {}, 2).permute(order);
}

/// Fails unless `got` has that shape and, within `tolerance` (relative above 1), those values.
inline void check_values(const Tensor& got, const Shape& shape, const std::vector<double>& expected,
                         double tolerance = 1e-12) {
  REQUIRE(got.shape() == shape);
  const std::vector<double> values = values_of(got);
  REQUIRE(values.size() == expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(i);
    if (std::isnan(expected[i])) {
      CHECK(std::isnan(values[i]));
    } else if (std::isinf(expected[i])) {
      CHECK(values[i] == expected[i]);
    } else {
      CHECK(std::abs(values[i] - expected[i]) <= tolerance * std::max(1.0, std::abs(expected[i])));
    }
  }
}

/// First and second derivatives of `f` at these float64 tensors, by differences. Those without
/// elements are only run through backward.
template <class F, class... Tensors>
void check_gradients(F f, const Tensors&... tensors) {
  const std::vector<Tensor> inputs = {tensors.detach().requires_grad_()...};
  const auto function = detail::as_tensor_function(f, std::index_sequence_for<Tensors...>{});
  bool empty = false;
  for (const Tensor& input : inputs) empty |= input.numel() == 0;
  if (empty) {
    const Tensor y = function(inputs)[0];
    const std::vector<Tensor> gradients =
        grad({y}, inputs, {.grad_outputs = {ones(y.shape(), {.dtype = y.dtype()})}});
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      CHECK(gradients[i].shape() == inputs[i].shape());
    }
    return;
  }
  CHECK(gradcheck(function, inputs));
  CHECK(gradgradcheck(function, inputs));
}

/// Where a function of one number can be tested.
struct Domain {
  double low = -2;
  double high = 2;
};

/// Tests an elementwise op of one tensor against a function of one double, in both floating dtypes.
template <class F, class Reference>
void check_unary(F f, Reference reference, Domain domain = {}) {
  const auto check_one = [&](const Tensor& x) {
    CAPTURE(to_string(x.shape()));
    CAPTURE(to_string(x.strides()));
    std::vector<double> expected = values_of(x);
    for (double& value : expected) value = reference(value);
    check_values(f(x), x.shape(), expected);
    const Tensor y = f(x.to(float32));
    CHECK(y.dtype() == float32);
    check_values(y, x.shape(), expected, 2e-5);
    check_gradients(f, x);
  };
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{3}, Shape{2, 3}, Shape{2, 0, 3}}) {
    check_one(random_tensor(shape, domain.low, domain.high));
    check_one(strided_random_tensor(shape, domain.low, domain.high));
  }
}

/// Tests an elementwise op of two tensors against a function of two doubles.
template <class F, class Reference>
void check_binary(F f, Reference reference, Domain left = {}, Domain right = {}) {
  const auto check_pair = [&](const Tensor& a, const Tensor& b) {
    CAPTURE(to_string(a.shape()));
    CAPTURE(to_string(b.shape()));
    const Tensor y = f(a, b);
    const std::vector<double> left_values = values_of(a.expand(y.shape()));
    const std::vector<double> right_values = values_of(b.expand(y.shape()));
    std::vector<double> expected;
    for (std::size_t i = 0; i < left_values.size(); ++i) {
      expected.push_back(reference(left_values[i], right_values[i]));
    }
    check_values(y, y.shape(), expected);
    const Tensor single = f(a.to(float32), b.to(float32));
    CHECK(single.dtype() == float32);
    check_values(single, y.shape(), expected, 1e-4);
    check_gradients(f, a, b);
  };
  const std::pair<Shape, Shape> shapes[] = {
      {{}, {}},         {{3}, {3}},   {{2, 3}, {2, 3}}, {{2, 3}, {3}},       {{3}, {2, 3}},
      {{2, 1}, {1, 3}}, {{2, 3}, {}}, {{}, {2, 3}},     {{2, 3, 2}, {3, 1}}, {{0}, {0}},
      {{0}, {1}},       {{2, 0}, {}}, {{1, 1}, {1}},    {{3}, {1, 1, 1}},
  };
  for (const auto& [a, b] : shapes) {
    check_pair(random_tensor(a, left.low, left.high), random_tensor(b, right.low, right.high, 2));
    check_pair(strided_random_tensor(a, left.low, left.high),
               random_tensor(b, right.low, right.high, 2));
    check_pair(strided_random_tensor(a, left.low, left.high),
               strided_random_tensor(b, right.low, right.high, 2));
  }
}

}  // namespace reel::testing
