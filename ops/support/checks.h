#pragma once

// Internal: what many ops ask of their inputs and options, in one wording.

#include "reel/autograd/tensor.h"

namespace reel::detail {

[[noreturn]] void undefined_input(const char* op, const char* name);

/// The tensor. Throws `[linear] expected a tensor as weight, got an undefined one`.
inline const Tensor& check_defined(const char* op, const char* name, const Tensor& x) {
  if (!x.defined()) [[unlikely]]
    undefined_input(op, name);
  return x;
}

/// Throws `[mean] expected a floating-point tensor, got dtype int64`.
void check_floating(const char* op, const Tensor& x);

/// Throws `[conv2d] expected input and weight of one dtype, got uint8 and float32` with a line that
/// says how to convert the first, which is the one that comes from outside.
void check_one_dtype(const char* op, const char* name, const Tensor& x, const char* other_name,
                     const Tensor& other);

/// Throws `[batch_norm] expected momentum in [0, 1], got 7`; also for NaN.
void check_between(const char* op, const char* name, double value, double low, double high);

/// Throws `[normal] expected a finite mean, got nan`.
void check_finite(const char* op, const char* name, double value);

/// Throws `[layer_norm] expected a finite eps of 0 or more, got -1`; also for NaN.
void check_not_negative(const char* op, const char* name, double value);

}  // namespace reel::detail
