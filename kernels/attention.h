#pragma once

// Internal: attention of float32 without its matrix of probabilities.

#include "reel/base/shape.h"

namespace reel::kernels {

/// What is attended to and by whom, in each of `heads` independent problems.
struct AttentionShape {
  Size heads;
  Size queries, keys;
  Size width;        ///< of a query and of a key
  Size value_width;  ///< of a value and of a result
  bool causal;       ///< query i sees keys 0 to i only
  float scale;       ///< of the scores, above 0
};

/// The rows of every head: element e of row i of head h is `data[offsets[h] + i * row + e]`.
template <class T>
struct HeadRows {
  T* data;
  const Size* offsets;
  Size row;
};

/// y = softmax(scale q k^T) v. Keeps the logarithm of every query's sum of exponentials, [heads,
/// queries]. No size may be 0.
void attention(const AttentionShape& shape, const HeadRows<const float>& q,
               const HeadRows<const float>& k, const HeadRows<const float>& v,
               const HeadRows<float>& y, float* logsumexp);

/// The gradients of `attention`; heads must not share the rows of a gradient.
void attention_backward(const AttentionShape& shape, const HeadRows<const float>& q,
                        const HeadRows<const float>& k, const HeadRows<const float>& v,
                        const HeadRows<const float>& y, const float* logsumexp,
                        const HeadRows<const float>& dy, const HeadRows<float>& dq,
                        const HeadRows<float>& dk, const HeadRows<float>& dv);

}  // namespace reel::kernels
