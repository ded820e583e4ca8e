#pragma once

// Tests of reductions: against a function that folds a list of doubles, over shapes, dimensions and
// memory orders.

#include <functional>
#include <vector>

#include "support/op_check.h"

namespace reel::testing {

/// Folds the elements of `x` along `dims` (all when empty) by `fold`: results in row-major order.
inline std::vector<double> folded(const Tensor& x, const Dims& dims,
                                  const std::function<double(const std::vector<double>&)>& fold) {
  const Shape& shape = x.shape();
  std::vector<bool> reduced(static_cast<std::size_t>(x.dim()), dims.empty());
  for (Size dim : dims) {
    if (x.dim() > 0) reduced[static_cast<std::size_t>(dim < 0 ? dim + x.dim() : dim)] = true;
  }
  Size outputs = 1;
  for (Size i = 0; i < x.dim(); ++i) {
    if (!reduced[static_cast<std::size_t>(i)]) outputs *= shape[i];
  }
  std::vector<std::vector<double>> groups(static_cast<std::size_t>(outputs));
  const std::vector<double> values = values_of(x);
  for (std::size_t flat = 0; flat < values.size(); ++flat) {
    Size rest = static_cast<Size>(flat);
    Size output = 0;
    Size step = 1;
    for (Size i = x.dim() - 1; i >= 0; --i) {
      if (!reduced[static_cast<std::size_t>(i)]) {
        output += rest % shape[i] * step;
        step *= shape[i];
      }
      rest /= shape[i];
    }
    groups[static_cast<std::size_t>(output)].push_back(values[flat]);
  }
  std::vector<double> results;
  for (const auto& group : groups) results.push_back(fold(group));
  return results;
}

/// Fails unless all values are within `tolerance` (relative above 1) of those expected: one
/// assertion however many there are.
inline void check_all_close(const Tensor& got, const Shape& shape,
                            const std::vector<double>& expected, double tolerance) {
  REQUIRE(got.shape() == shape);
  const std::vector<double> values = values_of(got);
  REQUIRE(values.size() == expected.size());
  double worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double error = std::abs(values[i] - expected[i]) / std::max(1.0, std::abs(expected[i]));
    worst = error <= worst ? worst : error;  // keeps a NaN
  }
  CHECK(worst <= tolerance);
}

/// Elements that make every case of a reduction: how many, and where.
struct FoldDomain {
  double low = -2;
  double high = 2;
  bool empty = true;  ///< also shapes without elements
};

/// Tests `op(x, dims, keepdim)` in both floating dtypes, with its derivatives.
template <class Op>
void check_reduction(const Op& op, const std::function<double(const std::vector<double>&)>& fold,
                     const FoldDomain& domain = {}) {
  const std::pair<Shape, std::vector<Dims>> cases[] = {
      {{}, {{}, {0}, {-1}}},
      {{1}, {{}, {0}}},
      {{5}, {{}, {0}}},
      {{2, 3}, {{}, {0}, {1}, {-1, 0}}},
      {{1, 3, 1}, {{0}, {1}, {0, 2}}},
      {{2, 3, 4}, {{}, {0}, {1}, {2}, {0, 2}, {-1, 1}, {0, 1, 2}}},
      {{0}, {{}, {0}}},
      {{2, 0, 3}, {{}, {0}, {1}, {2}}},
  };
  for (const auto& one_case : cases) {
    const Shape& shape = one_case.first;  // clang 14 captures no structured binding
    if (shape.numel() == 0 && !domain.empty) continue;
    for (const Dims& dims : one_case.second) {
      for (const Tensor& x : {random_tensor(shape, domain.low, domain.high),
                              strided_random_tensor(shape, domain.low, domain.high)}) {
        CAPTURE(to_string(shape));
        CAPTURE(to_string(x.strides()));
        CAPTURE(to_string(dims));
        const std::vector<double> expected = folded(x, dims, fold);
        const Tensor kept = op(x, dims, true);
        CHECK(kept.dim() == x.dim());
        check_values(kept, kept.shape(), expected);
        const Tensor y = op(x, dims, false);
        check_values(y, y.shape(), expected);
        CHECK(y.dim() == (dims.empty() || x.dim() == 0 ? 0 : x.dim() - dims.size()));
        const Tensor single = op(x.to(float32), dims, false);
        CHECK(single.dtype() == float32);
        check_values(single, y.shape(), expected, 2e-5);
        check_gradients([&](const Tensor& v) { return op(v, dims, false); }, x);
      }
    }
  }
}

}  // namespace reel::testing
