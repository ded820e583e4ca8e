#pragma once

#include <optional>

#include "reel/nn/detail/call.h"
#include "reel/nn/detail/completed.h"
#include "reel/nn/linear.h"
#include "reel/nn/parameter.h"
#include "reel/nn/required.h"
#include "reel/ops/sequence/attention.h"

namespace reel::nn {

/// What a call of `MultiheadAttention` on one tensor can be told.
struct SelfAttentionOptions {
  Tensor key_padding_mask = {};  ///< `[N, S]` of bools, true where the key is to be ignored
  /// `[L, S]` or `[N * num_heads, L, S]`: of bools, true where the key is to be ignored; or of
  /// numbers, which are added to the scores.
  Tensor attn_mask = {};
  bool is_causal = false;  ///< entry i sees the entries 0 to i; needs no mask
};

/// What a call of `MultiheadAttention` on three tensors can be told.
struct MultiheadAttentionOptions {
  Tensor key_padding_mask = {};  ///< `[N, S]` of bools, true where the key is to be ignored
  bool need_weights = false;     ///< return the weights too, which takes the slow way
  /// `[L, S]` or `[N * num_heads, L, S]`: of bools, true where the key is to be ignored; or of
  /// numbers, which are added to the scores.
  Tensor attn_mask = {};
  bool average_attn_weights = true;  ///< return the mean of the heads' weights
  bool is_causal = false;            ///< query i sees the keys 0 to i; needs no mask
};

/// What attention returns.
struct AttentionOutput {
  Tensor output;   ///< `[L, N, E]`, or `[N, L, E]` with `batch_first`
  Tensor weights;  ///< `[N, L, S]`, or `[N, num_heads, L, S]`; undefined unless asked for
};

struct MultiheadAttention;
template <>
REEL_API void detail::complete(MultiheadAttention& layer);

namespace detail {

/// A `Linear` without outputs, which stands for the projection until the layer makes it. A function
/// because g++ 12 destroys the fields of `Linear{0, 0}` twice when the layer then throws.
REEL_API Linear no_projection();

/// What the layer computes with.
struct MultiheadState {
  Size embed_dim, num_heads;
  double dropout;
  bool batch_first;
  const Tensor& in_proj_weight;
  const Tensor& q_proj_weight;
  const Tensor& k_proj_weight;
  const Tensor& v_proj_weight;
  const Tensor& in_proj_bias;
  const Linear& out_proj;
};
REEL_API AttentionOutput run_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                       const MultiheadAttentionOptions& options,
                                       const MultiheadState& state);

}  // namespace detail

/// Attention by several heads, each with `embed_dim / num_heads` of the numbers of the projected
/// queries, keys and values; their results, side by side, are projected once more. Vaswani et al.,
/// "Attention is all you need", 2017; follows `torch.nn.MultiheadAttention`.
///
/// Inputs are `[L, N, E]`, `[S, N, kdim]` and `[S, N, vdim]`, with `batch_first` `[N, L, E]` and so
/// on; for a single sequence without `N`. Different from PyTorch, the weights are returned only
/// where asked for, `is_causal` needs no mask beside it, and a query that sees no key gives the
/// bias of `out_proj` instead of NaN.
///
/// Throws `[MultiheadAttention] expected ...` unless the heads divide `embed_dim`, and when shapes
/// do not fit.
///
/// **Example**
/// ```cpp
/// nn::MultiheadAttention attention{.embed_dim = 128, .num_heads = 4, .batch_first = true};
/// Tensor y = attention(x, {.is_causal = true});                       // among the entries of x
/// auto [output, weights] = attention(x, memory, memory, {.need_weights = true});
/// ```
struct MultiheadAttention {
  Required<Size> embed_dim;
  Required<Size> num_heads;
  /// Probability that a weight is set to zero in training.
  double dropout = 0;
  /// Whether there are `in_proj_bias` and `out_proj.bias`.
  bool bias = true;
  /// The sizes of keys and values where they are not `embed_dim`.
  std::optional<Size> kdim = {};
  std::optional<Size> vdim = {};
  /// Whether the batch is the first dimension, not the second.
  bool batch_first = false;
  /// `[3 E, E]`: queries, keys and values in one; none where `kdim` or `vdim` differ.
  Parameter in_proj_weight = {};
  /// `[E, E]`, `[E, kdim]` and `[E, vdim]`; none unless `kdim` or `vdim` differ.
  Parameter q_proj_weight = {};
  Parameter k_proj_weight = {};
  Parameter v_proj_weight = {};
  /// `[3 E]`, starts as zeros.
  Parameter in_proj_bias = {};
  /// `[.., E]` -> `[.., E]`, its bias starts as zeros.
  Linear out_proj = detail::no_projection();
  bool training = true;
  detail::Completed<MultiheadAttention> completed = {};

  /// Attention among the entries of `x`.
  Tensor operator()(const Tensor& x, const SelfAttentionOptions& options = {}) const {
    return detail::call(this, [&] {
      return run(x, x, x,
                 {.key_padding_mask = options.key_padding_mask,
                  .attn_mask = options.attn_mask,
                  .is_causal = options.is_causal})
          .output;
    });
  }

  /// What the keys answer to the queries.
  AttentionOutput operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                             const MultiheadAttentionOptions& options = {}) const {
    const detail::Running running(this);
    AttentionOutput result = run(query, key, value, options);
    detail::observe(this, result.output);
    return result;
  }

 private:
  AttentionOutput run(const Tensor& query, const Tensor& key, const Tensor& value,
                      const MultiheadAttentionOptions& options) const {
    return detail::run_attention(
        query, key, value, options,
        {embed_dim, num_heads, training ? dropout : 0, batch_first, in_proj_weight, q_proj_weight,
         k_proj_weight, v_proj_weight, in_proj_bias, out_proj});
  }
};

}  // namespace reel::nn
