#pragma once

#include <optional>

#include "reel/autograd/tensor.h"

namespace reel {

/// What `scaled_dot_product_attention` can be told.
struct AttentionOptions {
  /// Broadcast to `[.., L, S]`: of bools, where true means that the key takes part; or of numbers,
  /// which are added to the scores.
  Tensor attn_mask = {};
  double dropout_p = 0;              ///< probability that a key's weight is set to zero
  bool is_causal = false;            ///< query i sees the keys 0 to i; not together with a mask
  std::optional<double> scale = {};  ///< 1 / sqrt(E) if left out
};

/// `softmax(query key^T * scale) value`: for every row of `query` `[.., L, E]` the average of the
/// rows of `value` `[.., S, Ev]`, weighted by how well those of `key` `[.., S, E]` fit. Dimensions
/// before the last two broadcast. Returns `[.., L, Ev]` in the memory order of `query`, so that
/// heads split from a product by `view` and `transpose` join again without a copy. A query that
/// sees no key gives zeros.
///
/// In float32 without mask and dropout the `[L, S]` matrix of weights is never stored, forward nor
/// backward (Dao et al., "FlashAttention", 2022).
///
/// Throws when shapes or dtypes do not fit, for `dropout_p` outside [0, 1], and for a mask together
/// with `is_causal`. Vaswani et al., "Attention is all you need", 2017; follows
/// `torch.nn.functional.scaled_dot_product_attention`.
REEL_API Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key,
                                             const Tensor& value,
                                             const AttentionOptions& options = {});

namespace detail {

/// What attention multiplies the values by, `[.., L, S]`: for those who want to see the weights.
REEL_API Tensor attention_weights(const Tensor& query, const Tensor& key,
                                  const AttentionOptions& options);

/// Attention among the entries of one sequence whose queries, keys and values lie side by side:
/// `packed` `[A, B, 3 E]` with `num_heads` heads in each E gives `[A, B, E]`. The sequence runs
/// along the second dimension if `batch_first`, else along the first. Takes no mask or dropout.
REEL_API Tensor packed_attention(const Tensor& packed, Size num_heads, bool batch_first,
                                 bool is_causal);

}  // namespace detail
}  // namespace reel
