#pragma once

// Internal: a row of kernels/pointwise_rows.inc as an op. What a derivative mentions is saved; where
// the tape follows the backward itself, the derivative is its formula in tensor ops, else a kernel.
//
// Ops are [[gnu::flatten]]: with so many in a file GCC would stop inlining what records them, which
// costs up to 10 ns an op.

#include <utility>

#include "reel/autograd/tape.h"
#include "reel/base/detail/promotion.h"
#include "reel/base/fail.h"
#include "reel/kernels/pointwise_rows.h"
#include "reel/ops/create/create.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/elementwise.h"
#include "reel/ops/support/gradients_by.h"
#include "reel/ops/support/promote.h"
#include "reel/ops/support/samples.h"

namespace reel {

// Words of the formulas that only kernels tell from what there is.
inline Tensor exp_or_0(const Tensor& x) { return exp(x); }
inline Tensor nth_polygamma(const Tensor& x, double n) {
  return polygamma(static_cast<Size>(n), x);
}
kernels::rows::Normal<Tensor> normal_at(const Tensor& x);

namespace detail {

namespace rows = kernels::rows;

/// The gradient by a derivative's formula of `dy` and what it mentions of (x, y), or of (a, b); what
/// it does not mention may be undefined.
template <class Derivative, class... Numbers>
Tensor derivative(const Tensor& dy, const Tensor& first, const Tensor& second, Numbers... numbers) {
  constexpr rows::Probe needs = rows::needs_of<Derivative>;
  // A number that was an operand may be of another dtype, and lose digits in ops of its own.
  const auto in_dtype = [&](const Tensor& saved) {
    return saved.dtype() == dy.dtype() ? saved : to(saved, dy.dtype());
  };
  const double params[] = {numbers..., 0};
  const auto run = [&](std::initializer_list<KernelInput> inputs) {
    const kernels::Loop loop = kernels::find(Derivative::code, dy.dtype());
    return elementwise(Derivative::name, loop, inputs, dy.dtype(), params);
  };
  if constexpr (needs.first && needs.second) {
    return gradients_by(
        [&] { return Derivative::of(dy, in_dtype(first), in_dtype(second), numbers...); },
        [&] {
          const Promoted a(Derivative::name, first, dy.dtype());
          const Promoted b(Derivative::name, second, dy.dtype());
          return run({dy, a, b});
        },
        dy, first, second);
  } else if constexpr (needs.first || needs.second) {
    const Tensor& saved = needs.first ? first : second;
    return gradients_by(
        [&] {
          const Tensor only = in_dtype(saved);
          return Derivative::of(dy, only, only, numbers...);
        },
        [&] {
          return run({dy, Promoted(Derivative::name, saved, dy.dtype())});
        },
        dy, saved);
  } else {
    return Derivative::of(dy, dy, dy, numbers...);
  }
}

/// The rule of an op of x that gave y.
template <class Derivative, class... Numbers>
auto unary_rule(const Tensor& x, Numbers... numbers) {
  constexpr rows::Probe needs = rows::needs_of<Derivative>;
  if constexpr (needs.first && needs.second) {
    return [x = save(x), numbers...](const Tensor& dy, const Tensor& y) {
      return derivative<Derivative>(dy, x, y, numbers...);
    };
  } else if constexpr (needs.first) {
    return [x = save(x), numbers...](const Tensor& dy) {
      return derivative<Derivative>(dy, x, x, numbers...);
    };
  } else if constexpr (needs.second) {
    return [numbers...](const Tensor& dy, const Tensor& y) {
      return derivative<Derivative>(dy, y, y, numbers...);
    };
  } else {
    return
        [numbers...](const Tensor& dy) { return derivative<Derivative>(dy, dy, dy, numbers...); };
  }
}

/// The rule of an op of a and b for one of them.
template <class Derivative>
auto binary_rule(const Tensor& a, const Tensor& b) {
  constexpr rows::Probe needs = rows::needs_of<Derivative>;
  if constexpr (needs.first && needs.second) {
    return
        [a = save(a), b = save(b)](const Tensor& dy) { return derivative<Derivative>(dy, a, b); };
  } else if constexpr (needs.first || needs.second) {
    return [saved = save(needs.first ? a : b)](const Tensor& dy) {
      return derivative<Derivative>(dy, saved, saved);
    };
  } else {
    return [](const Tensor& dy) { return derivative<Derivative>(dy, dy, dy); };
  }
}

/// The dtype of a row's result, and so what its inputs are converted to.
template <class Row>
DType dtype_of_row(DType dtype) {
  return Row::takes == rows::Takes::floating ? floating_type(dtype) : dtype;
}

/// The op of a row of one tensor; `op` is what errors and the profiler call it.
template <class Row, class... Numbers>
Tensor unary(OpName op, const Tensor& input, Numbers... numbers) {
  if (is_batched(input)) [[unlikely]] {
    const auto again = [=](const Tensor* x) { return unary<Row>(op, x[0], numbers...); };
    return of_each_element(op, again, {&input});
  }
  const DType dtype = dtype_of_row<Row>(check_defined(op, "input", input).dtype());
  if constexpr (Row::takes == rows::Takes::number) {
    check(dtype != bool_, op, "expected numbers, got dtype bool");
  } else if constexpr (Row::takes == rows::Takes::whole) {
    if (!is_floating(dtype)) return clone(input);
  }
  const double params[] = {numbers..., 0};
  const auto run = [&](const KernelInput& x) {
    Tensor y = elementwise(op, kernels::find(Row::code, dtype), {x}, dtype, params);
    return record(op, std::move(y),
                  wrt(*x.tensor, unary_rule<typename Row::Derivative>(*x.tensor, numbers...)));
  };
  if constexpr (Row::takes == rows::Takes::floating) {
    return run(Promoted(op, input, dtype));
  } else {
    return run(input);
  }
}
template <class Row, class... Numbers>
Tensor unary(const Tensor& input, Numbers... numbers) {
  return unary<Row>(Row::name, input, numbers...);
}

/// The op of a row of two tensors.
template <class Row>
Tensor binary(OpName op, const Tensor& left, const Tensor& right) {
  if (any_batched(left, right)) [[unlikely]] {
    const auto again = [=](const Tensor* x) { return binary<Row>(op, x[0], x[1]); };
    return of_each_element(op, again, {&left, &right});
  }
  const DType dtype = dtype_of_row<Row>(result_type(op, left, right));
  if constexpr (Row::takes == rows::Takes::number) {
    check(dtype != bool_, op,
          "expected numbers, got two bool tensors\nhelp: use logical_xor or logical_not");
  }
  const Promoted a(op, left, dtype), b(op, right, dtype);
  Tensor y = elementwise(op, kernels::find(Row::code, dtype), {a, b}, dtype);
  if (!recording(left, right)) return y;
  return record(op, std::move(y), wrt(a.tensor(), binary_rule<typename Row::ByA>(a, b)),
                wrt(b.tensor(), binary_rule<typename Row::ByB>(a, b)));
}
template <class Row>
Tensor binary(const Tensor& left, const Tensor& right) {
  return binary<Row>(Row::name, left, right);
}

}  // namespace detail
}  // namespace reel
