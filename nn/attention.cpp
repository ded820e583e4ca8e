#include "reel/nn/attention.h"

#include <limits>

#include "reel/autograd/tape.h"
#include "reel/nn/detail/call.h"
#include "reel/nn/detail/fill.h"
#include "reel/nn/detail/walk.h"
#include "reel/nn/init.h"
#include "reel/ops/create/create.h"
#include "reel/ops/create/random.h"
#include "reel/ops/index/index.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"

namespace reel::nn {
namespace detail {
namespace {

constexpr const char* layer = "MultiheadAttention";

/// What the layer computes with.
struct MultiheadState {
  explicit MultiheadState(const MultiheadAttention& self)
      : embed_dim(self.embed_dim),
        num_heads(self.num_heads),
        dropout(self.training ? self.dropout : 0),
        batch_first(self.batch_first),
        in_proj_weight(self.in_proj_weight),
        q_proj_weight(self.q_proj_weight),
        k_proj_weight(self.k_proj_weight),
        v_proj_weight(self.v_proj_weight),
        in_proj_bias(self.in_proj_bias),
        out_proj(self.out_proj) {}

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

/// Queries, keys and values after their projections, in the layout of the inputs.
struct Projected {
  Tensor query, key, value;
};

Projected project(const Tensor& query, const Tensor& key, const Tensor& value,
                  const MultiheadState& s) {
  auto third = [&](const Tensor& all, Size i) {
    return all.defined() ? narrow(all, 0, i * s.embed_dim, s.embed_dim) : all;
  };
  auto weight = [&](const Tensor& own, Size i) {
    return own.defined() ? own : third(s.in_proj_weight, i);
  };
  return {linear(query, weight(s.q_proj_weight, 0), third(s.in_proj_bias, 0)),
          linear(key, weight(s.k_proj_weight, 1), third(s.in_proj_bias, 1)),
          linear(value, weight(s.v_proj_weight, 2), third(s.in_proj_bias, 2))};
}

/// `[L, N, E]`, or `[N, L, E]` with `batch_first`, as `[N, heads, L, E / heads]`.
Tensor split_heads(const Tensor& x, const MultiheadState& s) {
  const Tensor heads = view(x, {x.size(0), x.size(1), s.num_heads, s.embed_dim / s.num_heads});
  return permute(heads, s.batch_first ? Dims{0, 2, 1, 3} : Dims{1, 2, 0, 3});
}

Tensor join_heads(const Tensor& x, const MultiheadState& s) {
  return flatten(permute(x, s.batch_first ? Dims{0, 2, 1, 3} : Dims{2, 0, 1, 3}), 2);
}

/// `mask` of numbers to add, where bools forbid.
Tensor as_summand(const char* name, const Tensor& mask, DType dtype) {
  check(mask.dtype() == bool_ || mask.is_floating_point(), layer,
        "expected {0} of dtype bool or {1}, got {2}\nhelp: {0}.ne(0) hides what is not 0", name,
        dtype, mask.dtype());
  if (mask.dtype() != bool_) return mask;
  return masked_fill(zeros(mask.shape(), {.dtype = dtype}), mask,
                     -std::numeric_limits<double>::infinity());
}

/// What is added to the scores `[N, heads, L, S]`; undefined where nothing is.
Tensor mask_for(const MultiheadAttentionOptions& o, const MultiheadState& s, Size batch,
                Size queries, Size keys, DType dtype) {
  Tensor mask;
  auto include = [&](const Tensor& more) { mask = mask.defined() ? add(mask, more) : more; };
  if (o.attn_mask.defined()) {
    const Shape each{batch * s.num_heads, queries, keys};
    const bool of_all = o.attn_mask.shape() == Shape{queries, keys};
    check(of_all || o.attn_mask.shape() == each, layer,
          "expected an attn_mask of shape [{}, {}] or {}, got {}", queries, keys, each,
          o.attn_mask.shape());
    const Tensor summand = as_summand("attn_mask", o.attn_mask, dtype);
    include(of_all ? summand : reshape(summand, {batch, s.num_heads, queries, keys}));
  }
  if (o.key_padding_mask.defined()) {
    check(o.key_padding_mask.shape() == Shape{batch, keys}, layer,
          "expected a key_padding_mask of shape [{}, {}], got {}", batch, keys,
          o.key_padding_mask.shape());
    include(
        reshape(as_summand("key_padding_mask", o.key_padding_mask, dtype), {batch, 1, 1, keys}));
  }
  if (o.is_causal && (mask.defined() || o.need_weights)) {
    include(as_summand("is_causal", triu(ones({queries, keys}, {.dtype = bool_}), 1), dtype));
  }
  return mask;
}

void check_inputs(const Tensor& query, const Tensor& key, const Tensor& value,
                  const MultiheadState& s) {
  const Size kdim = s.k_proj_weight.defined() ? s.k_proj_weight.size(1) : s.embed_dim;
  const Size vdim = s.v_proj_weight.defined() ? s.v_proj_weight.size(1) : s.embed_dim;
  const Size batch = s.batch_first ? 0 : 1, length = 1 - batch;
  const bool fit = query.dim() == 3 && key.dim() == 3 && value.dim() == 3 &&
                   query.size(2) == s.embed_dim && key.size(2) == kdim && value.size(2) == vdim &&
                   key.size(batch) == query.size(batch) && value.size(batch) == query.size(batch) &&
                   key.size(length) == value.size(length);
  const char* form = s.batch_first ? "[N, L, {0}], [N, S, {1}] and [N, S, {2}]"
                                   : "[L, N, {0}], [S, N, {1}] and [S, N, {2}]";
  check(fit, layer, "expected query, key and value of shapes {}, got {}, {} and {}",
        fmt::format(fmt::runtime(form), s.embed_dim, kdim, vdim), query.shape(), key.shape(),
        value.shape());
}

AttentionOutput run_batch(const Tensor& query, const Tensor& key, const Tensor& value,
                          const MultiheadAttentionOptions& o, const MultiheadState& s) {
  check_inputs(query, key, value, s);
  const Size batch = query.size(s.batch_first ? 0 : 1);
  const Size queries = query.size(s.batch_first ? 1 : 0), keys = key.size(s.batch_first ? 1 : 0);
  const Tensor mask = mask_for(o, s, batch, queries, keys, query.dtype());
  const bool among_itself = query.is_same(key) && query.is_same(value);
  if (among_itself && s.in_proj_weight.defined() && !mask.defined() && s.dropout == 0 &&
      !o.need_weights) {
    const Tensor packed = linear(query, s.in_proj_weight, s.in_proj_bias);
    return {
        s.out_proj(reel::detail::packed_attention(packed, s.num_heads, s.batch_first, o.is_causal)),
        Tensor()};
  }
  const Projected from = project(query, key, value, s);
  const Tensor q = split_heads(from.query, s), k = split_heads(from.key, s);
  const Tensor v = split_heads(from.value, s);
  const AttentionOptions attention{
      .attn_mask = mask, .dropout_p = s.dropout, .is_causal = o.is_causal && !mask.defined()};
  if (!o.need_weights) {
    return {s.out_proj(join_heads(scaled_dot_product_attention(q, k, v, attention), s)), Tensor()};
  }
  const Tensor weights =
      dropout(reel::detail::attention_weights(q, k, attention), s.dropout, s.dropout > 0);
  return {s.out_proj(join_heads(matmul(weights, v), s)),
          o.average_attn_weights ? mean(weights, 1) : weights};
}

AttentionOutput run_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                              const MultiheadAttentionOptions& options,
                              const MultiheadState& state) {
  if (query.dim() != 2) return run_batch(query, key, value, options, state);
  const Size batch = state.batch_first ? 0 : 1;
  const Tensor q = unsqueeze(query, batch);
  const Tensor k = key.is_same(query) ? q : unsqueeze(key, batch);
  const Tensor v = value.is_same(query) ? q : unsqueeze(value, batch);
  MultiheadAttentionOptions one = options;
  if (one.key_padding_mask.defined()) one.key_padding_mask = unsqueeze(one.key_padding_mask, 0);
  const AttentionOutput result = run_batch(q, k, v, one, state);
  return {squeeze(result.output, batch),
          result.weights.defined() ? squeeze(result.weights, 0) : result.weights};
}

}  // namespace

Linear no_projection() { return {0, 0, false}; }

template <>
void complete(MultiheadAttention& self) {
  const Size embed = self.embed_dim, heads = self.num_heads;
  const Size kdim = self.kdim.value_or(embed), vdim = self.vdim.value_or(embed);
  check(embed >= 1 && heads >= 1 && embed % heads == 0, layer,
        "expected num_heads to divide embed_dim, got {} and {}", heads, embed);
  check(kdim >= 1 && vdim >= 1, layer, "expected kdim and vdim of 1 or more, got {} and {}", kdim,
        vdim);
  reel::detail::checked_numel(layer, {3, embed});
  check(self.dropout >= 0 && self.dropout <= 1, layer, "expected dropout in [0, 1], got {}",
        self.dropout);

  const auto xavier = [](const Shape& shape) { return init::xavier_uniform_(empty(shape)); };
  if (kdim == embed && vdim == embed) {
    fill(layer, "in_proj_weight", self.in_proj_weight, {3 * embed, embed}, xavier);
  } else {
    fill(layer, "q_proj_weight", self.q_proj_weight, {embed, embed}, xavier);
    fill(layer, "k_proj_weight", self.k_proj_weight, {embed, kdim}, xavier);
    fill(layer, "v_proj_weight", self.v_proj_weight, {embed, vdim}, xavier);
  }
  fill(layer, "in_proj_bias", self.in_proj_bias, {3 * embed},
       [&](const Shape& shape) { return self.bias ? zeros(shape) : Tensor(); });
  if (self.out_proj.out_features() == 0) {
    self.out_proj = Linear{embed, embed, self.bias};
    const NoGradGuard no_grad;
    if (self.bias) self.out_proj.bias.zero_();
  }
}

}  // namespace detail

Tensor MultiheadAttention::operator()(const Tensor& x, const SelfAttentionOptions& options) const {
  return detail::call(
      this,
      [&] {
        const MultiheadAttentionOptions same{.key_padding_mask = options.key_padding_mask,
                                             .attn_mask = options.attn_mask,
                                             .is_causal = options.is_causal};
        return detail::run_attention(x, x, x, same, detail::MultiheadState(*this)).output;
      },
      x, options);
}

AttentionOutput MultiheadAttention::operator()(const Tensor& query, const Tensor& key,
                                               const Tensor& value,
                                               const MultiheadAttentionOptions& options) const {
  return detail::call(
      this,
      [&] {
        return detail::run_attention(query, key, value, options, detail::MultiheadState(*this));
      },
      query, key, value, options);
}

}  // namespace reel::nn
