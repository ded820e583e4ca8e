#pragma once

// Internal: convolutions of the samples of a vmap.

#include "reel/ops/support/samples.h"

namespace reel::detail {

/// The rule of a convolution over `axes`, transposed or not: `f(x, weight, bias, groups)` of several
/// images `[N, C, ..]`. Where all samples share the weights, their images are one batch; else each
/// sample is a group of channels of its own, as the first dimension of a weight counts through the
/// groups either way.
[[gnu::cold]] Tensor conv_of_samples(
    const char* op, Size axes,
    FunctionRef<Tensor(const Tensor&, const Tensor&, const Tensor&, Size)> f, const Tensor& x,
    const Tensor& weight, const Tensor& bias, Size groups);

}  // namespace reel::detail
