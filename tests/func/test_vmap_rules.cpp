#include "reel/func/vmap.h"

#include <doctest/doctest.h>

#include <functional>
#include <optional>
#include <string>

#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "reel/ops/pointwise/fuse.h"
#include "samples.h"
#include "support/message_of.h"

using namespace reel;
using testing::as_in_loop;
using testing::loop;
using testing::message_of;
using testing::whole;

namespace {

const TensorOptions doubles{.dtype = float64};
constexpr auto shared = std::nullopt;

using One = std::function<Tensor(const Tensor&)>;
using Two = std::function<Tensor(const Tensor&, const Tensor&)>;

/// Samples again, in another order, as what an outer vmap runs over.
Tensor twice(const Tensor& x) {
  return stack({x, index_select(x, 0, x.size(0) - 1 - arange(x.size(0)))});
}

/// The rule of an op of one tensor: alone, with the samples in another place, and in a vmap of vmap.
void check_rule(const std::string& name, const One& f, const Tensor& x) {
  CAPTURE(name);
  const Size n = x.size(0);
  const auto each = [&](const Tensor& from) { return loop(n, [&](Size i) { return f(from[i]); }); };
  CHECK(as_in_loop(func::vmap(f)(x), each(x)));
  Dims to_back;
  for (Size d = 1; d < x.dim(); ++d) to_back.push_back(d);
  to_back.push_back(0);
  CHECK(as_in_loop(func::vmap(f, {.in_dims = -1})(x.permute(to_back)), each(x)));
  const Tensor pairs = twice(x);
  CHECK(as_in_loop(func::vmap(func::vmap(f))(pairs),
                   loop(2, [&](Size i) { return each(pairs[i]); })));
}

/// The same for two: of which either may be shared, and each may belong to a vmap of its own.
void check_rule(const std::string& name, const Two& f, const Tensor& x, const Tensor& y) {
  CAPTURE(name);
  const Size n = x.size(0);
  CHECK(as_in_loop(func::vmap(f)(x, y), loop(n, [&](Size i) { return f(x[i], y[i]); })));
  CHECK(as_in_loop(func::vmap(f, {.in_dims = {0, shared}})(x, y[1]),
                   loop(n, [&](Size i) { return f(x[i], y[1]); })));
  CHECK(as_in_loop(func::vmap(f, {.in_dims = {shared, 0}})(x[1], y),
                   loop(n, [&](Size i) { return f(x[1], y[i]); })));
  const auto of_pairs = [&](const Tensor& a) {
    return func::vmap([&](const Tensor& b) { return f(a, b); })(y);
  };
  CHECK(as_in_loop(func::vmap(of_pairs)(x), loop(n, [&](Size i) {
                     return loop(n, [&](Size k) { return f(x[i], y[k]); });
                   })));
  const auto of_pairs_turned = [&](const Tensor& b) {
    return func::vmap([&](const Tensor& a) { return f(a, b); })(x);
  };
  CHECK(as_in_loop(func::vmap(of_pairs_turned)(y), loop(n, [&](Size i) {
                     return loop(n, [&](Size k) { return f(x[k], y[i]); });
                   })));
}

}  // namespace

TEST_CASE("vmap of pointwise ops gives what a loop gives") {
  manual_seed(1);
  const Tensor x = rand({3, 2, 4}, doubles) + 0.1, y = rand({3, 4}, doubles) + 0.2;
  check_rule(
      "relu", [](const Tensor& a) { return relu(a - 0.5); }, x);
  check_rule(
      "gelu", [](const Tensor& a) { return gelu(a); }, x);
  check_rule(
      "exp", [](const Tensor& a) { return exp(a); }, x);
  check_rule(
      "pow of a number", [](const Tensor& a) { return pow(a, 3); }, x);
  check_rule(
      "clamp", [](const Tensor& a) { return clamp(a, 0.3, 0.6); }, x);
  check_rule(
      "isnan", [](const Tensor& a) { return isnan(a); }, x);
  check_rule(
      "to", [](const Tensor& a) { return a.to(float32); }, x);
  check_rule(
      "detach", [](const Tensor& a) { return a.detach() + a; }, x);
  const auto gate = fuse([](auto a) { return a * exp(a); });
  check_rule(
      "fuse", [&](const Tensor& a) { return gate(a); }, rand({3, 8192}, doubles));
  check_rule(
      "add", [](const Tensor& a, const Tensor& b) { return a + b; }, x, y);
  check_rule(
      "sub of a vector", [](const Tensor& a, const Tensor& b) { return b - a; }, x, y);
  check_rule(
      "div", [](const Tensor& a, const Tensor& b) { return a / b; }, x, y);
  check_rule(
      "pow", [](const Tensor& a, const Tensor& b) { return pow(a, b); }, x, y);
  check_rule(
      "maximum", [](const Tensor& a, const Tensor& b) { return maximum(a, b); }, x, y);
  check_rule(
      "less", [](const Tensor& a, const Tensor& b) { return a < b; }, x, y);
  check_rule(
      "clamp by tensors", [](const Tensor& a, const Tensor& b) { return clamp(a, b); }, x, y);
  check_rule(
      "where", [](const Tensor& a, const Tensor& b) { return where(a > 0.5, a, b); }, x, y);
  check_rule(
      "lerp", [](const Tensor& a, const Tensor& b) { return lerp(a, b, 0.25); }, x, y);
  check_rule(
      "masked_fill", [](const Tensor& a, const Tensor& b) { return masked_fill(a, b > 0.5, -1); },
      x, y);
  const Tensor i = whole({3, 4}, 9) + 1, k = whole({3, 4}, 3) + 1;
  check_rule(
      "pow of integers", [](const Tensor& a, const Tensor& b) { return pow(a, b); }, i, k);
  check_rule(
      "remainder", [](const Tensor& a, const Tensor& b) { return remainder(a, b); }, i, k);
  check_rule(
      "and", [](const Tensor& a, const Tensor& b) { return a & b; }, i, k);
  check_rule(
      "not", [](const Tensor& a) { return !(a > 4); }, i);
}

TEST_CASE("in vmap a sample without dimensions counts in promotion as it does alone") {
  manual_seed(2);
  const Tensor f32 = rand({3, 4}), f64 = rand({3}, doubles), i = whole({3}, 9);
  const Tensor f32s = rand({3}), bools = whole({3}, 2) == 1;
  check_rule(
      "float32 and 0-d float64", [](const Tensor& a, const Tensor& b) { return a * b; }, f32, f64);
  check_rule(
      "float32 and 0-d int64", [](const Tensor& a, const Tensor& b) { return a * b; }, f32, i);
  check_rule(
      "0-d int64 and 0-d float32", [](const Tensor& a, const Tensor& b) { return a + b; }, i, f32s);
  check_rule(
      "0-d float32 and 0-d float64", [](const Tensor& a, const Tensor& b) { return a + b; }, f32s,
      f64);
  check_rule(
      "int64 and 0-d float64", [](const Tensor& a, const Tensor& b) { return a + b; },
      whole({3, 4}, 9), f64);
  check_rule(
      "int32 and 0-d int64", [](const Tensor& a, const Tensor& b) { return a + b; },
      whole({3, 4}, 9).to(int32), i);
  check_rule(
      "bool and 0-d int64", [](const Tensor& a, const Tensor& b) { return a + b; }, bools, i);
  check_rule(
      "numbers", [](const Tensor& a) { return a * 2 + 0.5; }, i);
}

TEST_CASE("vmap of reductions and sorting gives what a loop gives") {
  manual_seed(3);
  const Tensor x = randn({3, 2, 4}, doubles), flat = randn({3}, doubles);
  for (const bool keepdim : {false, true}) {
    for (const Dims& dims : {Dims{}, Dims{0}, Dims{-1}, Dims{0, 1}}) {
      check_rule(
          "sum", [&](const Tensor& a) { return sum(a, dims, keepdim); }, x);
      check_rule(
          "mean", [&](const Tensor& a) { return mean(a, dims, keepdim); }, x);
      check_rule(
          "var", [&](const Tensor& a) { return var(a, dims, 1, keepdim); }, x);
      check_rule(
          "std", [&](const Tensor& a) { return reel::std(a, dims, 0, keepdim); }, x);
      check_rule(
          "prod", [&](const Tensor& a) { return prod(a, dims, keepdim); }, x);
      check_rule(
          "amax", [&](const Tensor& a) { return amax(a, dims, keepdim); }, x);
      check_rule(
          "norm", [&](const Tensor& a) { return norm(a, 3, dims, keepdim); }, x);
      check_rule(
          "logsumexp", [&](const Tensor& a) { return logsumexp(a, dims, keepdim); }, x);
      check_rule(
          "any", [&](const Tensor& a) { return any(a > 1, dims, keepdim); }, x);
      check_rule(
          "all", [&](const Tensor& a) { return all(a > -1, dims, keepdim); }, x);
    }
    check_rule(
        "max", [&](const Tensor& a) { return max(a, 1, keepdim).values; }, x);
    check_rule(
        "min", [&](const Tensor& a) { return min(a, -2, keepdim).indices; }, x);
    check_rule(
        "argmax", [&](const Tensor& a) { return argmax(a, 1, keepdim); }, x);
    check_rule(
        "argmin of all", [&](const Tensor& a) { return argmin(a, {}, keepdim); }, x);
    check_rule(
        "kthvalue", [&](const Tensor& a) { return kthvalue(a, 2, -1, keepdim).values; }, x);
    check_rule(
        "median", [&](const Tensor& a) { return median(a, 1, keepdim).indices; }, x);
  }
  check_rule(
      "max of all", [](const Tensor& a) { return max(a); }, x);
  check_rule(
      "median of all", [](const Tensor& a) { return median(a); }, x);
  check_rule(
      "cumsum", [](const Tensor& a) { return cumsum(a, 1); }, x);
  check_rule(
      "sort", [](const Tensor& a) { return sort(a, 0).values; }, x);
  check_rule(
      "argsort", [](const Tensor& a) { return argsort(a, -1, true); }, x);
  check_rule(
      "msort", [](const Tensor& a) { return msort(a); }, x);
  check_rule(
      "topk", [](const Tensor& a) { return topk(a, 2).indices; }, x);
  check_rule(
      "softmax", [](const Tensor& a) { return softmax(a, -1); }, x);
  check_rule(
      "log_softmax", [](const Tensor& a) { return log_softmax(a, 0); }, x);
  check_rule(
      "sum of one", [](const Tensor& a) { return sum(a); }, flat);
  check_rule(
      "sum of one along 0", [](const Tensor& a) { return sum(a, 0, true); }, flat);
  check_rule(
      "var of one", [](const Tensor& a) { return var(a, Dims{}, 0); }, flat);
  check_rule(
      "softmax of one", [](const Tensor& a) { return softmax(a, 0); }, flat);
  check_rule(
      "sort of one", [](const Tensor& a) { return sort(a).indices; }, flat);
  check_rule(
      "cumsum of one", [](const Tensor& a) { return cumsum(a, 0); }, flat);
  check_rule(
      "argmax of one", [](const Tensor& a) { return argmax(a, 0); }, flat);
}

TEST_CASE("vmap of shape ops gives what a loop gives") {
  manual_seed(4);
  const Tensor x = randn({3, 2, 4}, doubles), y = randn({3, 2, 5}, doubles);
  const Tensor flat = randn({3}, doubles), thin = randn({3, 1, 4, 1}, doubles);
  check_rule(
      "view",
      [](const Tensor& a) {
        return a.view({4, -1});
      },
      x);
  check_rule(
      "reshape", [](const Tensor& a) { return a.t().reshape({8}); }, x);
  check_rule(
      "flatten", [](const Tensor& a) { return flatten(a); }, x);
  check_rule(
      "squeeze", [](const Tensor& a) { return squeeze(a); }, thin);
  check_rule(
      "squeeze 0", [](const Tensor& a) { return squeeze(a, 0); }, thin);
  check_rule(
      "squeeze -1", [](const Tensor& a) { return squeeze(a, -1); }, thin);
  check_rule(
      "unsqueeze", [](const Tensor& a) { return unsqueeze(unsqueeze(a, -1), 0); }, x);
  check_rule(
      "unsqueeze of one", [](const Tensor& a) { return unsqueeze(a, 0); }, flat);
  check_rule(
      "transpose", [](const Tensor& a) { return transpose(a, 0, -1); }, x);
  check_rule(
      "permute",
      [](const Tensor& a) {
        return permute(a, {2, 0, 1});
      },
      thin);
  check_rule(
      "t of a vector", [](const Tensor& a) { return t(a[0]); }, x);
  check_rule(
      "expand",
      [](const Tensor& a) {
        return expand(a, {6, -1, 4});
      },
      thin.squeeze(-1));
  check_rule(
      "expand of one",
      [](const Tensor& a) {
        return expand(a, {2, 3});
      },
      flat);
  check_rule(
      "slice", [](const Tensor& a) { return slice(a, 1, 1, 4, 2); }, x);
  check_rule(
      "narrow", [](const Tensor& a) { return narrow(a, -1, 1, 2); }, x);
  check_rule(
      "select", [](const Tensor& a) { return a[1] + a.select(0, -2); }, x);
  check_rule(
      "split", [](const Tensor& a) { return split(a, 3, 1)[1]; }, x);
  check_rule(
      "chunk", [](const Tensor& a) { return chunk(a, 2, 1)[1]; }, x);
  check_rule(
      "unbind", [](const Tensor& a) { return unbind(a, 1)[2]; }, x);
  check_rule(
      "clone", [](const Tensor& a) { return clone(a.t()).contiguous(); }, x);
  check_rule(
      "pad",
      [](const Tensor& a) {
        return pad(a, {1, 2, 0, 1});
      },
      x);
  check_rule(
      "reflected pad",
      [](const Tensor& a) {
        return pad(a, {1, 1}, {.mode = "reflect"});
      },
      x);
  check_rule(
      "sum_to_size",
      [](const Tensor& a) {
        return sum_to_size(a, {1, 4});
      },
      x);
  check_rule(
      "tril", [](const Tensor& a) { return tril(a); }, x);
  check_rule(
      "cat",
      [](const Tensor& a, const Tensor& b) {
        return cat({a, b, a}, -1);
      },
      x, y);
  check_rule(
      "stack",
      [](const Tensor& a, const Tensor& b) {
        return stack({a[0], b[0]}, -1);
      },
      x, x * 2);
  check_rule(
      "stack of ones",
      [](const Tensor& a) {
        return stack({a, 2 * a});
      },
      flat);
  check_rule(
      "zeros_like", [](const Tensor& a) { return zeros_like(a) + ones_like(a); }, x);
  check_rule(
      "full_like", [](const Tensor& a) { return full_like(a, 3) * a; }, x);
}

TEST_CASE("vmap of products gives what a loop gives") {
  manual_seed(5);
  const Tensor m = randn({3, 2, 4}, doubles), n = randn({3, 4, 5}, doubles);
  const Tensor v = randn({3, 4}, doubles), w = randn({3, 4}, doubles);
  const Tensor batch = randn({3, 2, 2, 4}, doubles), other = randn({3, 2, 4, 3}, doubles);
  const Two product = [](const Tensor& a, const Tensor& b) { return matmul(a, b); };
  check_rule("matrix matrix", product, m, n);
  check_rule("matrix vector", product, m, v);
  check_rule("vector matrix", product, v, n);
  check_rule("vector vector", product, v, w);
  check_rule("batch matrix", product, batch, n);
  check_rule("batch batch", product, batch, other);
  check_rule("batch vector", product, batch, v);
  check_rule(
      "mm", [](const Tensor& a, const Tensor& b) { return mm(a, b); }, m, n);
  check_rule(
      "bmm", [](const Tensor& a, const Tensor& b) { return bmm(a, b); }, batch, other);
  check_rule(
      "dot", [](const Tensor& a, const Tensor& b) { return dot(a, b); }, v, w);
  check_rule(
      "outer", [](const Tensor& a, const Tensor& b) { return outer(a, b); }, v, w);
  check_rule(
      "addmm", [](const Tensor& a, const Tensor& b) { return addmm(ones(5, doubles), a, b); }, m,
      n);
  const Tensor weight = randn({3, 5, 4}, doubles), bias = randn({3, 5}, doubles);
  check_rule(
      "linear", [&](const Tensor& a, const Tensor& b) { return linear(a, b, bias[0]); }, m, weight);
  check_rule(
      "linear of a vector", [](const Tensor& a, const Tensor& b) { return linear(a, b); }, v,
      weight);
  check_rule(
      "bias of linear", [&](const Tensor& a, const Tensor& b) { return linear(a, weight[1], b); },
      m, bias);
}

TEST_CASE("vmap of index ops gives what a loop gives") {
  manual_seed(6);
  const Tensor x = randn({3, 2, 4}, doubles), at = whole({3, 2, 3}, 4), rows = whole({3, 5}, 2);
  check_rule(
      "gather", [](const Tensor& a, const Tensor& i) { return gather(a, -1, i); }, x, at);
  check_rule(
      "take_along_dim", [](const Tensor& a, const Tensor& i) { return take_along_dim(a, i, 1); }, x,
      at - 4);
  const Tensor source = randn({3, 2, 3}, doubles);
  check_rule(
      "scatter",
      [&](const Tensor& a, const Tensor& s) {
        return scatter(a, 1, tensor({{0, 1, 2}, {3, 0, 1}}), s);
      },
      x, source);
  check_rule(
      "scatter of a number",
      [](const Tensor& a, const Tensor& i) { return scatter(a, 1, i.narrow(1, 0, 1), 7.0); }, x,
      at);
  check_rule(
      "scatter_add",
      [&](const Tensor& a, const Tensor& i) { return scatter_add(a, 1, i, source[0]); }, x, at);
  check_rule(
      "index_select", [](const Tensor& a, const Tensor& i) { return index_select(a, 0, i); }, x,
      rows);
  check_rule(
      "index_select -1", [](const Tensor& a, const Tensor& i) { return index_select(a, -1, i); }, x,
      whole({3, 5}, 4));
  check_rule(
      "index_add",
      [](const Tensor& a, const Tensor& i) {
        return index_add(a, 1, i, ones({2, 5}, doubles));
      },
      x, whole({3, 5}, 4));
  check_rule(
      "index_add of samples",
      [](const Tensor& a, const Tensor& s) {
        return index_add(a, 0, tensor({1, 1}), s);
      },
      x, x * 3);
  check_rule(
      "index by a tensor", [](const Tensor& a, const Tensor& i) -> Tensor { return a.index({i}); },
      x, rows);
  check_rule(
      "index behind a slice",
      [](const Tensor& a, const Tensor& i) -> Tensor {
        return a.index({Slice{}, i});
      },
      x, at);
  check_rule(
      "index by two",
      [](const Tensor& a, const Tensor& i) -> Tensor {
        return a.index({i, i + 1});
      },
      x, rows);
  const Tensor deep = randn({3, 2, 4, 2}, doubles);
  check_rule(
      "index by two apart",
      [](const Tensor& a, const Tensor& i) -> Tensor {
        return a.index({i, Slice{1}, i});
      },
      deep, rows);
  check_rule(
      "index in the middle",
      [](const Tensor& a, const Tensor& i) -> Tensor {
        return a.index({0, i, None});
      },
      deep, at);
  check_rule(
      "index by slices",
      [](const Tensor& a) -> Tensor {
        return a.index({Ellipsis, Slice{1, 3}});
      },
      deep);
  check_rule(
      "index by a mask that all share",
      [](const Tensor& a) -> Tensor {
        return a.index({tensor({true, false})});
      },
      x);
  check_rule(
      "index_put",
      [](const Tensor& a, const Tensor& b) {
        return index_put(a, {Slice{}, tensor({1, 3})}, b);
      },
      x, randn({3, 2}, doubles));
  check_rule(
      "index_put, adding",
      [](const Tensor& a, const Tensor& b) { return index_put(a, {1}, b, true); }, x,
      randn({3, 4}, doubles));
  const auto put_apart = [](const Tensor& a) {
    return index_put(a, {tensor({0, 1, 0}), Slice{}, tensor({1, 0, 1})}, ones({3, 4}, doubles));
  };
  CHECK(message_of([&] { func::vmap(put_apart)(deep); }) ==
        "[index_put] expected tensors that stand side by side among the indices inside vmap, got "
        "them apart");
  CHECK(message_of([&] {
          func::vmap([](const Tensor& a, const Tensor& i) {
            return index_put(a, {i}, ones({4}, doubles));
          })(x, rows);
        }).starts_with("[index_put] expected a tensor of its own"));
  check_rule(
      "one_hot", [](const Tensor& i) { return one_hot(i, 4); }, at);
  const Tensor table = randn({3, 4, 2}, doubles);
  check_rule(
      "embedding", [](const Tensor& i, const Tensor& w) { return embedding(i, w); }, at, table);
  check_rule(
      "embedding with padding",
      [](const Tensor& i, const Tensor& w) { return embedding(i, w, {.padding_idx = 1}); }, at,
      table);
  CHECK(message_of([&] {
          func::vmap([](const Tensor& i, const Tensor& w) { return embedding(i, w); })(at + 1,
                                                                                       table);
        }) == "[embedding] expected indices in [0, 4), got 4");
}

TEST_CASE("vmap of ops on images gives what a loop gives") {
  manual_seed(7);
  const Tensor one = randn({3, 2, 6, 6}, doubles), several = randn({3, 2, 2, 6, 6}, doubles);
  const Tensor w = randn({3, 4, 2, 3, 3}, doubles), b = randn({3, 4}, doubles);
  const Tensor grouped = randn({3, 4, 1, 3, 3}, doubles), back = randn({3, 2, 4, 3, 3}, doubles);
  for (const Tensor& x : {one, several}) {
    check_rule(
        "conv2d", [](const Tensor& a, const Tensor& k) { return conv2d(a, k); }, x, w);
    check_rule(
        "conv2d with a bias",
        [&](const Tensor& a, const Tensor& c) {
          return conv2d(a, w[0], c, {.stride = 2, .padding = 1});
        },
        x, b);
    check_rule(
        "conv2d in groups",
        [](const Tensor& a, const Tensor& k) {
          return conv2d(a, k, {}, {.padding = "same", .groups = 2});
        },
        x, grouped);
    check_rule(
        "conv_transpose2d",
        [](const Tensor& a, const Tensor& k) { return conv_transpose2d(a, k, {}, {.stride = 2}); },
        x, back);
    check_rule(
        "conv_transpose2d in groups",
        [](const Tensor& a, const Tensor& k) {
          return conv_transpose2d(a, k, ones(2, doubles), {.groups = 2});
        },
        x, randn({3, 2, 1, 3, 3}, doubles));
    check_rule(
        "max_pool2d", [](const Tensor& a) { return max_pool2d(a, 2); }, x);
    check_rule(
        "avg_pool2d", [](const Tensor& a) { return avg_pool2d(a, 3); }, x);
    check_rule(
        "lp_pool2d", [](const Tensor& a) { return lp_pool2d(a, 2, 2); }, x);
    check_rule(
        "adaptive_avg_pool2d", [](const Tensor& a) { return adaptive_avg_pool2d(a, 4); }, x);
    check_rule(
        "adaptive_max_pool2d", [](const Tensor& a) { return adaptive_max_pool2d(a, 4); }, x);
  }
  check_rule(
      "conv1d", [](const Tensor& a, const Tensor& k) { return conv1d(a, k); },
      randn({3, 2, 8}, doubles), randn({3, 4, 2, 3}, doubles));
}

TEST_CASE("vmap of norms and attention gives what a loop gives") {
  manual_seed(8);
  const Tensor x = randn({3, 4, 6, 5}, doubles), gamma = randn({3, 6}, doubles);
  const Tensor beta = randn(6, doubles), five = randn({3, 5}, doubles);
  check_rule(
      "layer_norm",
      [](const Tensor& a) {
        return layer_norm(a, {6, 5});
      },
      x);
  check_rule(
      "layer_norm with a weight",
      [](const Tensor& a, const Tensor& g) { return layer_norm(a, {5}, g, g * 2); }, x, five);
  check_rule(
      "group_norm", [&](const Tensor& a, const Tensor& g) { return group_norm(a, 3, g, beta); }, x,
      gamma);
  check_rule(
      "batch_norm in training",
      [&](const Tensor& a, const Tensor& g) {
        return batch_norm(a, {}, {}, g, beta, {.training = true});
      },
      x, gamma);
  check_rule(
      "batch_norm",
      [&](const Tensor& a, const Tensor& g) {
        return batch_norm(a, beta, ones(6, doubles), g, beta);
      },
      x, gamma);
  check_rule(
      "instance_norm",
      [&](const Tensor& a, const Tensor& g) { return instance_norm(a, {}, {}, g, beta); }, x,
      gamma);

  const TensorOptions floats;
  for (const TensorOptions& dtype : {doubles, floats}) {
    const Tensor q = randn({3, 2, 4, 8}, dtype), k = randn({3, 2, 5, 8}, dtype);
    const Tensor mask = randn({3, 4, 5}, dtype);
    check_rule(
        "attention",
        [](const Tensor& a, const Tensor& c) { return scaled_dot_product_attention(a, c, c * 2); },
        q, k);
    check_rule(
        "causal attention",
        [&](const Tensor& a, const Tensor& c) {
          return scaled_dot_product_attention(a, k[0], c, {.is_causal = true});
        },
        q, k);
    check_rule(
        "masked attention",
        [&](const Tensor& a, const Tensor& m) {
          return scaled_dot_product_attention(a, k[0], k[1], {.attn_mask = m});
        },
        q, mask);
    check_rule(
        "attention of heads to one",
        [&](const Tensor& a, const Tensor& c) { return scaled_dot_product_attention(a, c, c); }, q,
        k.select(1, 0));
  }
}

TEST_CASE("vmap of losses gives what a loop gives") {
  manual_seed(9);
  using nn::Reduction;
  const Tensor x = randn({3, 5, 4}, doubles), y = randn({3, 5, 4}, doubles);
  const Tensor p = softmax(x, 2), q = sigmoid(y), labels = whole({3, 5}, 4);
  const Tensor weight = rand(4, doubles);
  for (const Reduction r : {Reduction::mean, Reduction::sum, Reduction::none}) {
    check_rule(
        "cross_entropy",
        [&](const Tensor& a, const Tensor& c) { return nn::cross_entropy(a, c, {.reduction = r}); },
        x, labels);
    check_rule(
        "cross_entropy with weights",
        [&](const Tensor& a, const Tensor& c) {
          return nn::cross_entropy(
              a, c, {.weight = weight, .ignore_index = 2, .reduction = r, .label_smoothing = 0.1});
        },
        x, labels);
    check_rule(
        "cross_entropy of one",
        [&](const Tensor& a, const Tensor& c) {
          return nn::cross_entropy(a[0], c[0], {.weight = weight, .reduction = r});
        },
        x, labels);
    check_rule(
        "cross_entropy of probabilities",
        [&](const Tensor& a, const Tensor& c) {
          return nn::cross_entropy(a, c, {.ignore_index = 1, .reduction = r, .from_logits = false});
        },
        p, labels);
    check_rule(
        "nll_loss",
        [&](const Tensor& a, const Tensor& c) {
          return nn::nll_loss(a, c, {.weight = weight, .reduction = r});
        },
        p.log(), labels);
    check_rule(
        "mse_loss", [&](const Tensor& a, const Tensor& b) { return nn::mse_loss(a, b, {r}); }, x,
        y);
    check_rule(
        "huber_loss",
        [&](const Tensor& a, const Tensor& b) {
          return nn::huber_loss(a, b, {.delta = 0.5, .reduction = r});
        },
        x, y);
    check_rule(
        "smooth_l1_loss",
        [&](const Tensor& a, const Tensor& b) {
          return nn::smooth_l1_loss(a, b, {.reduction = r});
        },
        x, y);
    check_rule(
        "binary_cross_entropy",
        [&](const Tensor& a, const Tensor& b) {
          return nn::binary_cross_entropy(a, b, {.reduction = r});
        },
        q, p);
    check_rule(
        "with logits",
        [&](const Tensor& a, const Tensor& b) {
          return nn::binary_cross_entropy_with_logits(a, b, {.reduction = r});
        },
        x, q);
  }
  CHECK(message_of([&] {
          func::vmap([](const Tensor& a, const Tensor& c) {
            return nn::cross_entropy(a, c, {.from_logits = true});
          })(x, labels + 1);
        }).starts_with("[cross_entropy] expected classes in [0, 4), got 4"));
}
