#pragma once

#include <optional>

#include "reel/nn/detail/completed.h"
#include "reel/nn/hooks.h"
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
  Required<Size> embed_dim;  ///< E: how many numbers queries and results have
  Required<Size> num_heads;  ///< divides `embed_dim`
  /// Probability that a weight is set to zero in training.
  double dropout = 0;
  /// Whether there are `in_proj_bias` and `out_proj.bias`.
  bool bias = true;
  std::optional<Size> kdim = {};  ///< how many numbers a key has; `embed_dim` unless given
  std::optional<Size> vdim = {};  ///< how many numbers a value has; `embed_dim` unless given
  /// Whether the batch is the first dimension, not the second.
  bool batch_first = false;
  /// `[3 E, E]`: queries, keys and values in one; none where `kdim` or `vdim` differ.
  Parameter in_proj_weight = {};
  Parameter q_proj_weight = {};  ///< `[E, E]`; none unless `kdim` or `vdim` differ
  Parameter k_proj_weight = {};  ///< `[E, kdim]`; likewise
  Parameter v_proj_weight = {};  ///< `[E, vdim]`; likewise
  /// `[3 E]`, starts as zeros.
  Parameter in_proj_bias = {};
  /// `[.., E]` -> `[.., E]`, its bias starts as zeros.
  Linear out_proj = detail::no_projection();
  bool training = true;  ///< which mode it is in: set by `nn::train` and `nn::eval`
  Hooks hooks = {};      ///< see `nn::Hooks`
  detail::Completed<MultiheadAttention> completed = {};

  /// Attention among the entries of `x`.
  REEL_API Tensor operator()(const Tensor& x, const SelfAttentionOptions& options = {}) const;

  /// What the keys answer to the queries.
  REEL_API AttentionOutput operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                      const MultiheadAttentionOptions& options = {}) const;
};

}  // namespace reel::nn
