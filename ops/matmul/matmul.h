#pragma once

#include "reel/autograd/tensor.h"

namespace reel {

// Products of matrices. All of them want tensors of one dtype (any but bool) and throw otherwise.

/// The matrix product of the last two dimensions, the dimensions before them broadcast as a batch:
/// `[.., m, k] x [.., k, n] -> [.., m, n]`. A 1-D tensor counts as a row on the left and as a
/// column on the right, and that dimension is missing in the result: `[k] x [k] -> []`,
/// `[.., m, k] x [k] -> [.., m]`, `[k] x [.., k, n] -> [.., n]`.
///
/// Throws for 0-d tensors and when the inner sizes or the batches do not fit. Follows
/// `torch.matmul`.
REEL_API Tensor matmul(const Tensor& a, const Tensor& b);

/// `matmul` of two matrices, `[m, k] x [k, n] -> [m, n]`. Throws for any other rank.
REEL_API Tensor mm(const Tensor& a, const Tensor& b);

/// `matmul` of two batches of matrices, `[B, m, k] x [B, k, n] -> [B, m, n]`, without broadcasting.
REEL_API Tensor bmm(const Tensor& a, const Tensor& b);

/// The inner product of two vectors, `[k] x [k] -> []`.
REEL_API Tensor dot(const Tensor& a, const Tensor& b);

/// All products of two vectors, `[m] x [n] -> [m, n]`.
REEL_API Tensor outer(const Tensor& a, const Tensor& b);

/// How much each part of `addmm` counts.
struct AddmmOptions {
  double beta = 1;   ///< factor of `input`
  double alpha = 1;  ///< factor of the product
};

/// `beta * input + alpha * (a x b)`, `input` broadcast to `[m, n]`. Follows `torch.addmm`.
REEL_API Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b,
                      const AddmmOptions& options = {});

/// `x W^T + bias`: `x` `[.., in]`, `weight` `[out, in]`, `bias` `[out]` or undefined for none;
/// gives `[.., out]`.
///
/// Throws when the sizes or dtypes do not fit. Follows `torch.nn.functional.linear`.
REEL_API Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

}  // namespace reel
