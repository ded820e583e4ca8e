#pragma once

// Internal: elementwise kernels. Numbers only; what may be combined with what is decided by ops.
// What there is, and what it computes, stands in pointwise_rows.inc.

#include "reel/base/dtype.h"
#include "reel/kernels/dispatch.h"
#include "reel/kernels/loops.h"

namespace reel::kernels {

inline constexpr int dtype_count = 6;

/// y = f(x), both of one dtype. Numbers that a function takes beside x are its `params`; for integer
/// dtypes int64 in the bits of the doubles.
enum class Unary {
#define REEL_UNARY_OF(name, ...) name,
#include "reel/kernels/pointwise_rows.inc"
  count
};

/// y = f(x) with a bool result; any dtype.
enum class Test {
#define REEL_TEST(name, ...) name,
#include "reel/kernels/pointwise_rows.inc"
  count
};

/// y = f(a, b), all of one dtype. `pow` exists for floating dtypes and int64: exponents of 0 or more,
/// products wrap around.
enum class Binary {
#define REEL_BINARY_OF(name, ...) name,
#include "reel/kernels/pointwise_rows.inc"
  count
};

/// y = f(a, b) with a bool result; a and b of one dtype.
enum class Compare {
#define REEL_COMPARE(name, ...) name,
#include "reel/kernels/pointwise_rows.inc"
  count
};

/// y = f(a, b) of bits, all of one dtype; not of floating ones, shifts not of bool.
enum class Bitwise {
#define REEL_BITWISE(name, ...) name,
#include "reel/kernels/pointwise_rows.inc"
  count
};

/// The gradient of an op's input from dy and those of (x, y), or of (a, b), that its formula
/// mentions, in this order; of floating dtypes. None where it is but dy, -dy or zeros.
enum class Slope {
#define REEL_UNARY_OF(name, ...) name,
#define REEL_BINARY_OF(name, ...) name##_by_a, name##_by_b,
#include "reel/kernels/pointwise_rows.inc"
  count
};

/// Null where an operation does not exist for a dtype.
struct UnaryTable {
  Loop value[static_cast<int>(Unary::count)][dtype_count] = {};
  Loop test[static_cast<int>(Test::count)][dtype_count] = {};
};
struct BinaryTable {
  Loop value[static_cast<int>(Binary::count)][dtype_count] = {};
  Loop compare[static_cast<int>(Compare::count)][dtype_count] = {};
  Loop bitwise[static_cast<int>(Bitwise::count)][dtype_count] = {};
  Loop where[dtype_count] = {};  // (y; bool condition, a, b)
};
struct SlopeTable {
  Loop slope[static_cast<int>(Slope::count)][2] = {};
};

REEL_DISPATCH_TABLE(UnaryTable, unary_table)
REEL_DISPATCH_TABLE(BinaryTable, binary_table)
REEL_DISPATCH_TABLE(SlopeTable, slope_table)

Loop find(Unary op, DType dtype);
Loop find(Test op, DType dtype);
Loop find(Binary op, DType dtype);
Loop find(Compare op, DType dtype);
Loop find(Bitwise op, DType dtype);
Loop find(Slope op, DType dtype);
Loop find_where(DType dtype);

}  // namespace reel::kernels
