#pragma once

// Internal: images whose channels are neighbours in memory, as convolutions, pooling and batch norm
// want them.

#include "reel/autograd/tensor.h"

namespace reel::detail {

/// The strides of a tensor `[N, C, ..]` whose elements lie as `[N, .., C]`.
Strides channels_last_strides(const Shape& shape);

/// An uninitialised tensor `[N, C, ..]` that lies as `[N, .., C]`.
Tensor empty_channels_last(const Shape& shape, DType dtype);

/// The dimensions of `[N, C, ..]` over which a channel's elements lie.
Dims all_but_channels(Size rank);

/// `x` itself if it lies as `[N, .., C]`, else a copy that does. Outside the tape.
Tensor channels_last(const Tensor& x);

}  // namespace reel::detail
