#pragma once

// Internal: what losses of classes ask of their targets.

#include "reel/autograd/tensor.h"

namespace reel::detail {

/// Which dimension of the scores `[C]`, `[N, C]` or `[N, C, d1, ..]` counts the classes.
inline Size class_dim(const Tensor& scores) { return scores.dim() == 1 ? 0 : 1; }

/// Throws unless the scores are floating with a dimension of classes, `target` holds integers in
/// their shape without it, and `weight`, where defined, a floating number for each class.
void check_classes(const char* op, const Tensor& scores, const Tensor& target,
                   const Tensor& weight);

/// Throws `[cross_entropy] expected classes in [0, 10), got 10`, with a line on what the target
/// looks like, unless each is a class or `ignore_index`. `target` is int64 and contiguous.
void check_targets(const char* op, Size classes, const Tensor& target, Size ignore_index);

}  // namespace reel::detail
