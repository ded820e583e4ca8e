#include "reel/ops/sequence/attention.h"
#include "reel/base/detail/broadcast.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/attention.h"
#include "reel/ops/create/create.h"
#include "reel/ops/create/random.h"
#include "reel/ops/index/index.h"
#include "reel/ops/loss/softmax.h"
#include "reel/ops/matmul/matmul.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/join.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/gradients_by.h"
#include "reel/ops/support/promote.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

constexpr OpName op = "scaled_dot_product_attention";
constexpr double infinity = std::numeric_limits<double>::infinity();

/// The dimensions before the matrix.
Shape batch_of(const Tensor& x) { return {x.shape().begin(), x.shape().end() - 2}; }

double scale_of(const Tensor& q, const AttentionOptions& o) {
  return o.scale.value_or(1 / std::sqrt(static_cast<double>(q.shape().back())));
}

void check_operands(const Tensor& q, const Tensor& k, const Tensor& v) {
  detail::check_defined(op, "query", q);
  detail::check_defined(op, "key", k);
  detail::check_defined(op, "value", v);
  check(q.dim() >= 2 && k.dim() >= 2 && v.dim() >= 2, op,
        "expected query [.., L, E], key [.., S, E] and value [.., S, Ev], got shapes {}, {} and {}",
        q.shape(), k.shape(), v.shape());
  check(q.is_floating_point() && k.dtype() == q.dtype() && v.dtype() == q.dtype(), op,
        "expected query, key and value of one floating dtype, got {}, {} and {}\n"
        "help: convert them with x.to({})",
        q.dtype(), k.dtype(), v.dtype(), q.is_floating_point() ? q.dtype() : float32);
  check(q.shape().back() == k.shape().back(), op,
        "expected query and key with rows of one size, got shapes {} and {}", q.shape(), k.shape());
  check(k.size(-2) == v.size(-2), op, "expected as many keys as values, got shapes {} and {}",
        k.shape(), v.shape());
}

void check_options(const AttentionOptions& o) {
  check(!o.attn_mask.defined() || !o.is_causal, op,
        "expected either .attn_mask or .is_causal, got both");
  detail::check_between(op, "dropout_p", o.dropout_p, 0, 1);
  if (o.scale) detail::check_finite(op, "scale", *o.scale);
}

// ---- by the plain formula

Tensor causal_mask(Size queries, Size keys) {
  return tril(ones({queries, keys}, {.dtype = bool_}));
}

Tensor scores_of(const Tensor& q, const Tensor& k, double scale) {
  return mul(matmul(q, transpose(k, -2, -1)), scale);
}

bool broadcasts_to(const Shape& shape, const Shape& wanted) {
  const Size missing = wanted.size() - shape.size();
  if (missing < 0) return false;
  for (Size d = 0; d < shape.size(); ++d) {
    if (shape[d] != 1 && shape[d] != wanted[missing + d]) return false;
  }
  return true;
}

/// Softmax of scores of which some are -infinity; zeros where all are.
Tensor masked_softmax(const Tensor& scores) {
  Tensor blind;
  {
    const NoGradGuard no_grad;
    blind = eq(amax(scores, -1, true), -infinity);
  }
  if (scores.numel() == 0 || !any(detail::all_samples(blind)).item<bool>())
    return softmax(scores, -1);
  return masked_fill(softmax(masked_fill(scores, blind, 0), -1), blind, 0);
}

Tensor plain_weights(const Tensor& q, const Tensor& k, const AttentionOptions& o) {
  const Tensor scores = scores_of(q, k, scale_of(q, o));
  const Tensor mask = o.is_causal ? causal_mask(q.size(-2), k.size(-2)) : o.attn_mask;
  if (!mask.defined()) return softmax(scores, -1);
  check(mask.dtype() == bool_ || mask.dtype() == q.dtype(), op,
        "expected a mask of dtype bool or {}, got {}\nhelp: {}", q.dtype(), mask.dtype(),
        mask.is_floating_point() ? fmt::format("attn_mask.to({})", q.dtype())
                                 : "attn_mask.ne(0) makes bools");
  check(broadcasts_to(mask.shape(), scores.shape()), op,
        "expected a mask that broadcasts to {}, got shape {}", scores.shape(), mask.shape());
  return masked_softmax(mask.dtype() == bool_ ? masked_fill(scores, logical_not(mask), -infinity)
                                              : add(scores, mask));
}

Tensor plain_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                       const AttentionOptions& o) {
  return matmul(dropout(plain_weights(q, k, o), o.dropout_p), v);
}

/// The gradients in differentiable ops. With p = softmax(scale q k^T) and y = p v:
///
///   dv = p^T dy,  dp = dy v^T,  ds = scale p (dp - sum(dp p)),  dq = ds k,  dk = ds^T q.
Gradients plain_gradients(const Tensor& q, const Tensor& k, const Tensor& v,
                          const AttentionOptions& o, const Tensor& dy) {
  const Tensor p = plain_weights(q, k, o);
  const Tensor dp = matmul(dy, transpose(v, -2, -1));
  const Tensor ds = mul(mul(p, sub(dp, sum(mul(dp, p), -1, true))), scale_of(q, o));
  return {matmul(ds, k), matmul(transpose(ds, -2, -1), q), matmul(transpose(p, -2, -1), dy)};
}

// ---- without the matrix

using detail::readable;
using detail::writable;

kernels::ScoreOptions score_options(const Tensor& q, const AttentionOptions& o) {
  return {.causal = o.is_causal, .scale = static_cast<float>(scale_of(q, o))};
}

/// `x` with rows that the kernels can read.
Tensor dense_rows(const Tensor& x) {
  return x.stride(-1) == 1 || x.size(-1) == 1 ? x : contiguous(x);
}

/// An empty tensor `[batch.., rows, elements]` with its dimensions, except the last, in the memory
/// order of `like`.
Tensor empty_in_order(const Shape& batch, const Tensor& like, Size rows, Size elements) {
  Shape shape = batch;
  shape.push_back(rows);
  const Size rank = shape.size(), missing = rank - (like.dim() - 1);
  auto step = [&](Size d) {
    return d < missing ? std::numeric_limits<Size>::max() : like.strides()[d - missing];
  };
  std::vector<Size> order(static_cast<std::size_t>(rank));
  std::iota(order.begin(), order.end(), Size{0});
  std::stable_sort(order.begin(), order.end(), [&](Size a, Size b) { return step(a) > step(b); });
  Strides strides = Shape::repeat(rank + 1, 1);
  Size next = elements;
  for (std::size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = next;
    next *= shape[order[i]];
  }
  shape.push_back(elements);
  return detail::empty_strided(shape, strides, like.dtype());
}

Tensor blockwise_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                           const AttentionOptions& o, const Shape& batch) {
  const Size queries = q.size(-2), keys = k.size(-2);
  Tensor y = empty_in_order(batch, q, queries, v.size(-1));
  const Tensor logsumexp = empty({batch.numel(), queries});
  {
    const NoGradGuard no_grad;
    kernels::attention(readable(dense_rows(q)), readable(dense_rows(k)), readable(dense_rows(v)),
                       score_options(q, o), writable(y), writable(logsumexp));
  }
  return record(op, std::move(y), inputs(q, k, v),
                [q = save(q), k = save(k), v = save(v), logsumexp, o, batch, queries, keys](
                    const Tensor& dy, const Tensor& out, const Needs&) {
                  return detail::gradients_by(
                      [&] { return plain_gradients(q, k, v, o, dy); },
                      [&] {
                        const Gradients d{empty_in_order(batch, q, queries, q().size(-1)),
                                          empty_in_order(batch, k, keys, k().size(-1)),
                                          empty_in_order(batch, v, keys, v().size(-1))};
                        const Tensor of_q = dense_rows(q), of_k = dense_rows(k),
                                     of_v = dense_rows(v);
                        kernels::attention_backward({.q = readable(of_q),
                                                     .k = readable(of_k),
                                                     .v = readable(of_v),
                                                     .y = readable(out),
                                                     .logsumexp = readable(logsumexp)},
                                                    score_options(q, o), readable(dense_rows(dy)),
                                                    writable(d[0]), writable(d[1]), writable(d[2]));
                        return d;
                      },
                      dy, q(), k(), v());
                });
}

bool kernels_know(DType dtype, double scale) {
  return dtype == float32 && scale > 0 && std::isfinite(scale);
}

// ---- queries, keys and values in one tensor

/// `[batch, length, E]`, or `[length, batch, E]`, as `[batch, heads, length, E / heads]`.
Tensor split_heads(const Tensor& x, Size heads, bool batch_first) {
  const Tensor split = view(x, {x.size(0), x.size(1), heads, x.size(2) / heads});
  return permute(split, batch_first ? Dims{0, 2, 1, 3} : Dims{1, 2, 0, 3});
}

/// Back again.
Tensor join_heads(const Tensor& x, bool batch_first) {
  return flatten(permute(x, batch_first ? Dims{0, 2, 1, 3} : Dims{2, 0, 1, 3}), 2);
}

/// The heads of the queries, keys or values (`part` 0, 1 or 2) of `packed`.
Tensor part_of(const Tensor& packed, Size part, Size heads, bool batch_first) {
  const Size all = packed.size(2) / 3;
  return split_heads(narrow(packed, 2, part * all, all), heads, batch_first);
}

/// The rule for the samples of a vmap, a dimension more before the matrices.
Tensor attention_of_samples(const Tensor& q, const Tensor& k, const Tensor& v, AttentionOptions o) {
  if (o.dropout_p > 0) return plain_attention(q, k, v, o);
  const detail::Samples samples(op, q, k, v, o.attn_mask);
  const Size rank = std::max({q.dim(), k.dim(), v.dim()});
  // A mask is of scores: there must be some for each sample that has a mask of its own.
  const Tensor query = samples.has(o.attn_mask) ? samples.one(samples.each(q)) : q;
  if (o.attn_mask.defined()) o.attn_mask = samples.broadcast(o.attn_mask, rank);
  return samples.one(scaled_dot_product_attention(
      samples.broadcast(query, rank), samples.broadcast(k, rank), samples.broadcast(v, rank), o));
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options) {
  check_operands(query, key, value);
  check_options(options);
  if (detail::any_batched(query, key, value, options.attn_mask)) [[unlikely]]
    return attention_of_samples(query, key, value, options);
  const detail::OpScope scope(op, query, key, value);
  const Shape batch = detail::broadcast_shapes(
      op, detail::broadcast_shapes(op, batch_of(query), batch_of(key)), batch_of(value));
  const bool plain = options.attn_mask.defined() || options.dropout_p > 0 ||
                     !kernels_know(query.dtype(), scale_of(query, options)) || batch.numel() == 0 ||
                     query.numel() == 0 || value.numel() == 0;
  return plain ? plain_attention(query, key, value, options)
               : blockwise_attention(query, key, value, options, batch);
}

Tensor detail::attention_weights(const Tensor& query, const Tensor& key,
                                 const AttentionOptions& options) {
  check_operands(query, key, key);
  check_options(options);
  return plain_weights(query, key, options);
}

Tensor detail::packed_attention(const Tensor& packed_given, Size num_heads, bool batch_first,
                                bool is_causal) {
  if (is_batched(packed_given)) [[unlikely]] {
    if (!batch_first) {
      return transpose(packed_attention(transpose(packed_given, 0, 1), num_heads, true, is_causal),
                       0, 1);
    }
    const Samples samples("packed_attention", packed_given);
    const Tensor y =
        packed_attention(flatten(samples.all(packed_given), 0, 1), num_heads, true, is_causal);
    return samples.one(reshape(y, {samples.count(), packed_given.size(0), y.size(1), y.size(2)}));
  }
  const detail::OpScope scope("packed_attention", packed_given);
  const AttentionOptions o{.is_causal = is_causal};
  if (packed_given.dtype() != float32 || packed_given.numel() == 0) {
    return join_heads(plain_attention(part_of(packed_given, 0, num_heads, batch_first),
                                      part_of(packed_given, 1, num_heads, batch_first),
                                      part_of(packed_given, 2, num_heads, batch_first), o),
                      batch_first);
  }
  const auto part = [num_heads, batch_first](const Tensor& x, Size number) {
    return part_of(x, number, num_heads, batch_first);
  };
  const auto heads = [num_heads, batch_first](const Tensor& x) {
    return split_heads(x, num_heads, batch_first);
  };
  Tensor y, logsumexp;
  {
    const NoGradGuard no_grad;
    const Tensor packed = contiguous(packed_given);
    Shape shape = packed.shape();
    shape.back() /= 3;
    y = empty(shape);
    const Tensor q = part(packed, 0);
    logsumexp = empty({q.size(0) * num_heads, q.size(2)});
    kernels::attention(readable(q), readable(part(packed, 1)), readable(part(packed, 2)),
                       score_options(q, o), writable(heads(y)), writable(logsumexp));
  }
  return record(
      op, std::move(y), inputs(packed_given),
      [given = save(packed_given), logsumexp, o, part, heads, batch_first](
          const Tensor& dy, const Tensor& out, const Needs&) {
        return detail::gradients_by(
            [&] {
              const Gradients d = plain_gradients(part(given, 0), part(given, 1), part(given, 2), o,
                                                  heads(contiguous(dy)));
              return Gradients{cat({join_heads(d[0], batch_first), join_heads(d[1], batch_first),
                                    join_heads(d[2], batch_first)},
                                   -1)};
            },
            [&] {
              const Tensor from = contiguous(given), to = empty(from.shape());
              const Tensor q = part(from, 0), k = part(from, 1), v = part(from, 2);
              const Tensor results = heads(contiguous(out));
              kernels::attention_backward({.q = readable(q),
                                           .k = readable(k),
                                           .v = readable(v),
                                           .y = readable(results),
                                           .logsumexp = readable(logsumexp)},
                                          score_options(q, o), readable(heads(contiguous(dy))),
                                          writable(part(to, 0)), writable(part(to, 1)),
                                          writable(part(to, 2)));
              return Gradients{to};
            },
            dy, given());
      });
}

}  // namespace reel
