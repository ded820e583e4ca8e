#pragma once

// Internal: attention of float32 without its matrix of probabilities.

#include "reel/kernels/array.h"

namespace reel::kernels {

// The elements of a row are neighbours in memory, everywhere here. float32; no size may be 0.

/// How queries and keys are compared.
struct ScoreOptions {
  bool causal;  ///< query i sees keys 0 to i only
  float scale;  ///< of the scores, above 0
};

/// y = softmax(scale q k^T) v, with q `[.., queries, width]`, k `[.., keys, width]` and v
/// `[.., keys, value width]` broadcast to the heads, the dimensions of y before its rows. Keeps the
/// logarithm of every query's sum of exponentials, `[heads, queries]`, contiguous.
void attention(const ConstArray& q, const ConstArray& k, const ConstArray& v,
               const ScoreOptions& options, const Array& y, const Array& logsumexp);

/// What `attention` was given and gave.
struct Attended {
  ConstArray q, k, v, y, logsumexp;
};

/// The gradients of `attention`, each of as many heads as `y`, which must not share its rows.
void attention_backward(const Attended& of, const ScoreOptions& options, const ConstArray& dy,
                        const Array& dq, const Array& dk, const Array& dv);

}  // namespace reel::kernels
