#pragma once

// Tests of optimizers: each against its formula, written for one number in double.

#include <functional>
#include <vector>

#include "reel/optim/optimizer.h"
#include "support/op_check.h"

namespace reel::testing {

/// One parameter's number over several steps: called with the parameter and its gradient, returns
/// the new parameter; keeps what state it needs.
using ScalarRule = std::function<double(double parameter, double gradient)>;

/// Takes 5 steps with `make(parameters)` on parameters of both dtypes, of several sizes and memory
/// orders, and compares every number with `rule()` applied to it.
template <class Make>
void check_steps(const Make& make, const std::function<ScalarRule()>& rule) {
  for (DType dtype : {float32, float64}) {
    const double tolerance = dtype == float64 ? 1e-13 : 1e-6;
    for (const Tensor& start :
         {random_tensor({}), random_tensor({0}), random_tensor({37}), random_tensor({70001}),
          random_tensor({5, 7}).t(), strided_random_tensor({4, 6})}) {
      CAPTURE(name(dtype));
      CAPTURE(to_string(start.shape()));
      CAPTURE(to_string(start.strides()));
      Tensor p = detail::alias(start, start.shape(), start.strides());
      if (dtype == float32) {
        // The same memory order, gaps included.
        const Tensor gaps = zeros({2 * start.numel() + 1});
        p = start.is_contiguous() || detail::is_dense(start.shape(), start.strides())
                ? start.to(float32)
                : detail::alias(gaps, start.shape(), start.strides());
        p.copy_(start);
      }
      p.requires_grad_();
      auto optimizer = make(std::vector<Tensor>{p});
      std::vector<double> expected = values_of(p);
      std::vector<ScalarRule> rules;
      for (std::size_t i = 0; i < expected.size(); ++i) rules.push_back(rule());
      for (std::uint32_t step = 0; step < 5; ++step) {
        const Tensor gradient = random_tensor(p.shape(), -3, 3, step + 7).to(dtype);
        const std::vector<double> slopes = values_of(gradient);
        for (std::size_t i = 0; i < expected.size(); ++i) {
          expected[i] = rules[i](expected[i], slopes[i]);
        }
        p.set_grad(gradient);
        const auto version = p.version();
        optimizer.step();
        CHECK(p.version() > version);
      }
      double worst = 0;
      const std::vector<double> values = values_of(p);
      for (std::size_t i = 0; i < values.size(); ++i) {
        worst = std::max(worst, std::abs(values[i] - expected[i]));
      }
      CHECK(worst <= tolerance);
    }
  }
}

}  // namespace reel::testing
