#pragma once

// Internal: elementwise kernels. Numbers only; what may be combined with what is decided by ops.

#include "reel/base/dtype.h"
#include "reel/kernels/dispatch.h"
#include "reel/kernels/loops.h"

namespace reel::kernels {

inline constexpr int dtype_count = 6;

/// y = f(x), both of one dtype. Those from `floor` on exist for floating dtypes only.
/// Parameters: leaky_relu {slope}, elu {alpha}, softplus {beta, threshold}, clamp {min, max}: for
/// integers int64 in the bits of the doubles.
enum class Unary {
  neg,
  abs,
  sign,
  square,
  relu,
  clamp,
  floor,
  ceil,
  round,
  sqrt,
  rsqrt,
  reciprocal,
  exp,
  log,
  log1p,
  expm1,
  sin,
  cos,
  tanh,
  sigmoid,
  erf,
  leaky_relu,
  gelu,
  gelu_tanh,
  silu,
  softplus,
  elu,
  count
};

/// y = f(x) with a bool result; any dtype.
enum class Test { isnan, isinf, isfinite, logical_not, count };

/// y = f(a, b), all of one dtype. `pow` exists for floating dtypes and int64 (exponents of 0 or
/// more, products wrap around); the backward kernels, which take (dy, x) or, where they
/// are named `_from_y`, (dy, y), for floating dtypes only. Parameters as in `Unary`.
enum class Binary {
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  pow,
  relu_backward_from_y,
  leaky_relu_backward,
  elu_backward,
  clamp_backward,
  abs_backward,
  tanh_backward_from_y,
  sigmoid_backward_from_y,
  sqrt_backward_from_y,
  square_backward,
  reciprocal_backward_from_y,
  rsqrt_backward_from_y,
  expm1_backward_from_y,
  log1p_backward,
  gelu_backward,
  gelu_tanh_backward,
  silu_backward,
  softplus_backward,
  count
};

/// y = f(a, b) with a bool result; a and b of one dtype.
enum class Compare { eq, ne, lt, le, gt, ge, logical_and, logical_or, logical_xor, count };

/// The gradient of maximum or minimum with respect to a from (dy, a, b): dy where a wins, half of
/// it where both are equal; where one is NaN, both win. The gradient of a / b with respect to b
/// from (dy, a, b).
enum class Ternary { maximum_backward, minimum_backward, div_backward, count };

/// Null where an operation does not exist for a dtype.
struct ArithmeticTable {
  Loop unary[static_cast<int>(Unary::count)][dtype_count] = {};
  Loop test[static_cast<int>(Test::count)][dtype_count] = {};
  Loop binary[static_cast<int>(Binary::count)][dtype_count] = {};
  Loop compare[static_cast<int>(Compare::count)][dtype_count] = {};
  Loop ternary[static_cast<int>(Ternary::count)][dtype_count] = {};
  Loop where[dtype_count] = {};  // (y; bool condition, a, b)
};

/// The part that needs exp, log and their kin.
struct TranscendentalTable {
  Loop unary[static_cast<int>(Unary::count)][2] = {};
  Loop binary[static_cast<int>(Binary::count)][2] = {};
};

REEL_DISPATCH_TABLE(ArithmeticTable, arithmetic_table)
REEL_DISPATCH_TABLE(TranscendentalTable, transcendental_table)

Loop find(Unary op, DType dtype);
Loop find(Test op, DType dtype);
Loop find(Binary op, DType dtype);
Loop find(Compare op, DType dtype);
Loop find(Ternary op, DType dtype);
Loop find_where(DType dtype);

}  // namespace reel::kernels
