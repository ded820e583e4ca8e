// Ops that change elements in place, on the tape: gradients of the tensor, of its views and of what
// it is a view of. The values were computed by hand, or are those of the same program without
// in-place ops.

#include <doctest/doctest.h>

#include <vector>

#include <functional>
#include <string>

#include "reel/autograd/checkpoint.h"
#include "reel/autograd/gradcheck.h"
#include "reel/autograd/tape.h"
#include "reel/base/detail/memory_counters.h"
#include "reel/ops/ops.h"
#include "support/compare.h"
#include "support/op_check.h"

using namespace reel;
using reel::testing::check_values;

namespace {

Tensor leaf(std::initializer_list<double> values) {
  return tensor(values, {.dtype = float64}).requires_grad_();
}

/// Checks first and second derivatives of a function that works in place.
void check_gradients(const std::function<Tensor(const std::vector<Tensor>&)>& f,
                     const std::vector<Tensor>& inputs) {
  const auto list = [&](const std::vector<Tensor>& in) { return std::vector<Tensor>{f(in)}; };
  CHECK(gradcheck(list, inputs));
  CHECK(gradgradcheck(list, inputs));
}

}  // namespace

TEST_CASE("an op in place is recorded as the op that returns a new tensor") {
  const Tensor a = leaf({1, 2, 3}), b = leaf({4, 5, 6});
  const Tensor x = a * 2;
  x.mul_(b);
  CHECK(x.requires_grad());
  CHECK_FALSE(x.is_leaf());
  CHECK(std::string(x.op_name()) == "mul_");
  check_values(x, {3}, {8, 20, 36});
  x.sum().backward();
  check_values(a.grad(), {3}, {8, 10, 12});
  check_values(b.grad(), {3}, {2, 4, 6});
}

TEST_CASE("a tensor that the tape did not follow gets a history by what is written there") {
  const Tensor w = leaf({1, 2});
  const Tensor x = zeros({2}, {.dtype = float64});
  x.add_(w).add_(w);
  CHECK(x.requires_grad());
  (x * tensor({3., 5.}, {.dtype = float64})).sum().backward();
  check_values(w.grad(), {2}, {6, 10});
}

TEST_CASE("what is written over gets no gradient") {
  const Tensor a = leaf({1, 2, 3}), b = leaf({4, 5, 6});
  SUBCASE("by another tensor") {
    const Tensor x = a * 2;
    x.copy_(b);
    x.sum().backward();
    CHECK_FALSE(a.grad().defined());
    check_values(b.grad(), {3}, {1, 1, 1});
  }
  SUBCASE("by a number") {
    const Tensor x = a * 2;
    x.fill_(3);
    CHECK(x.requires_grad());
    (x * b).sum().backward();
    CHECK_FALSE(a.grad().defined());
    check_values(b.grad(), {3}, {3, 3, 3});
  }
  SUBCASE("by random numbers") {
    const Tensor x = a * 2;
    x.uniform_(0, 1);
    (x + b).sum().backward();
    CHECK_FALSE(a.grad().defined());
  }
  SUBCASE("by a number that has a gradient itself") {
    const Tensor x = a * 2, value = tensor(7., {.dtype = float64}).requires_grad_();
    x.fill_(value);
    x.sum().backward();
    check_values(value.grad(), {}, {3});
  }
}

TEST_CASE("writing to a view is in the history of what it is a view of") {
  const Tensor a = leaf({1, 2, 3, 4}), w = leaf({10, 20});
  const Tensor x = a * 1;
  x.slice(0, 1, 3).mul_(w);
  check_values(x, {4}, {1, 20, 60, 4});
  (x * x).sum().backward();
  check_values(a.grad(), {4}, {2, 400, 2400, 8});
  check_values(w.grad(), {2}, {80, 360});
}

TEST_CASE("a buffer is filled row by row") {
  const Tensor w = leaf({1, 2});
  const Tensor rows = zeros({3, 2}, {.dtype = float64});
  Tensor h = w;
  for (Size t = 0; t < 3; ++t) {
    h = h * w;
    rows[t].copy_(h);
  }
  check_values(rows, {3, 2}, {1, 4, 1, 8, 1, 16});
  rows.sum().backward();  // w^2 + w^3 + w^4
  check_values(w.grad(), {2}, {2 + 3 + 4, 4 + 12 + 32});
}

TEST_CASE("a view made before a write has its history too") {
  const Tensor a = leaf({1, 2, 3, 4});
  SUBCASE("of the whole") {
    const Tensor x = a * 1;
    const Tensor square = x.view({2, 2});
    x.mul_(3);
    CHECK(std::string(square.op_name()) == "as_strided");
    (square * square).sum().backward();
    check_values(a.grad(), {4}, {18, 36, 54, 72});
  }
  SUBCASE("of a part, through another part that overlaps") {
    const Tensor x = a * 1;
    const Tensor left = x.slice(0, 0, 3), right = x.slice(0, 1, 4);
    right.mul_(10);
    left.sum().backward();
    check_values(a.grad(), {4}, {1, 10, 10, 0});
  }
  SUBCASE("of a tensor that the tape did not follow") {
    const Tensor x = zeros({4}, {.dtype = float64});
    const Tensor first = x.slice(0, 0, 2), last = x.slice(0, 2, 4);
    CHECK_FALSE(first.requires_grad());
    last.copy_(a.slice(0, 0, 2));
    CHECK(first.requires_grad());  // as in PyTorch: what it is a view of does
    CHECK(last.requires_grad());
    (first.sum() + (last * last).sum()).backward();
    check_values(a.grad(), {4}, {2, 4, 0, 0});
  }
  SUBCASE("that is expanded") {
    const Tensor x = a * 1;
    const Tensor wide = x.expand({3, 4});
    x.mul_(2);
    (wide * wide).sum().backward();
    check_values(a.grad(), {4}, {24, 48, 72, 96});
  }
  SUBCASE("of a view of a view") {
    const Tensor x = a * 1;
    const Tensor inner = x.view({2, 2}).t()[0];  // elements 0 and 2
    x.view({2, 2})[1].mul_(5);
    check_values(inner, {2}, {1, 15});
    inner.sum().backward();
    check_values(a.grad(), {4}, {1, 0, 5, 0});
  }
}

TEST_CASE("a write to one piece of a split is seen by the others and the whole") {
  const Tensor a = leaf({1, 2, 3, 4, 5, 6});
  const Tensor x = a * 1;
  const std::vector<Tensor> parts = x.split(2), entries = x.unbind();
  parts[1].mul_(10);
  (x * x).sum().backward({.retain_graph = true});
  check_values(a.grad(), {6}, {2, 4, 600, 800, 10, 12});
  a.set_grad({});
  (parts[0].sum() + parts[1].sum() + entries[2]).backward();
  check_values(a.grad(), {6}, {1, 1, 20, 10, 0, 0});
}

TEST_CASE("assigning on the spot is recorded") {
  const Tensor a = leaf({1, 2, 3, 4}), w = leaf({5, 6});
  Tensor x = a * 1;
  SUBCASE("to a row") {
    x.view({2, 2})[1] = w;
    (x * x).sum().backward();
    check_values(a.grad(), {4}, {2, 4, 0, 0});
    check_values(w.grad(), {2}, {10, 12});
  }
  SUBCASE("to entries of a mask") {
    x[a > 2] = w;
    check_values(x, {4}, {1, 2, 5, 6});
    (x * x).sum().backward();
    check_values(a.grad(), {4}, {2, 4, 0, 0});
    check_values(w.grad(), {2}, {10, 12});
  }
  SUBCASE("to entries of a view") {
    x.view({2, 2})[1][tensor({1, 0})] = w;
    check_values(x, {4}, {1, 2, 6, 5});
    (x * x).sum().backward();
    check_values(a.grad(), {4}, {2, 4, 0, 0});
    check_values(w.grad(), {2}, {10, 12});
  }
  SUBCASE("with arithmetic") {
    x[a > 2] *= w;
    check_values(x, {4}, {1, 2, 15, 24});
    x.sum().backward();
    check_values(a.grad(), {4}, {1, 1, 5, 6});
    check_values(w.grad(), {2}, {3, 4});
  }
  SUBCASE("by index_put_, adding up") {
    x.index_put_({tensor({0, 3})}, w);
    index_put_(x, {tensor({1, 1})}, w, true);
    check_values(x, {4}, {5, 13, 3, 6});
    (x * x).sum().backward();
    check_values(a.grad(), {4}, {0, 26, 6, 0});
    check_values(w.grad(), {2}, {10 + 26, 12 + 26});
  }
}

TEST_CASE("every op in place has first and second derivatives") {
  using F = std::function<Tensor(const Tensor&, const Tensor&)>;
  const Tensor a = testing::random_tensor({3, 4}, 0.5, 1.5).requires_grad_();
  const Tensor b = testing::random_tensor({3, 4}, 0.5, 1.5, 7).requires_grad_();
  const Tensor mask = testing::random_tensor({3, 4}, -1, 1, 9) > 0;
  const std::vector<std::pair<const char*, F>> ops = {
      {"add_", [](const Tensor& x, const Tensor& y) { return x.add_(y); }},
      {"sub_", [](const Tensor& x, const Tensor& y) { return x.sub_(y); }},
      {"mul_", [](const Tensor& x, const Tensor& y) { return x.mul_(y); }},
      {"div_", [](const Tensor& x, const Tensor& y) { return x.div_(y); }},
      {"pow_", [](const Tensor& x, const Tensor& y) { return x.pow_(y); }},
      {"copysign_", [](const Tensor& x, const Tensor& y) { return copysign_(x, y); }},
      {"atan2_", [](const Tensor& x, const Tensor& y) { return atan2_(x, y); }},
      {"hypot_", [](const Tensor& x, const Tensor& y) { return hypot_(x, y); }},
      {"xlogy_", [](const Tensor& x, const Tensor& y) { return xlogy_(x, y); }},
      {"fmod_", [](const Tensor& x, const Tensor& y) { return fmod_(x, y); }},
      {"remainder_", [](const Tensor& x, const Tensor& y) { return remainder_(x, y); }},
      {"lerp_", [](const Tensor& x, const Tensor& y) { return lerp_(x, y, 0.3); }},
      {"lerp_ by a tensor", [](const Tensor& x, const Tensor& y) { return lerp_(x, 2 * y, y); }},
      {"masked_fill_",
       [&](const Tensor& x, const Tensor& y) { return x.masked_fill_(mask, y[0][0]); }},
      {"copy_", [](const Tensor& x, const Tensor& y) { return x.copy_(y); }},
      {"clamp_", [](const Tensor& x, const Tensor&) { return x.clamp_(0.8, 1.2); }},
      {"clamp_ by tensors", [](const Tensor& x, const Tensor& y) { return x.clamp_(y); }},
      {"relu_", [](const Tensor& x, const Tensor&) { return x.relu_(); }},
      {"leaky_relu_", [](const Tensor& x, const Tensor&) { return leaky_relu_(x.sub_(1), 0.2); }},
      {"elu_", [](const Tensor& x, const Tensor&) { return elu_(x.sub_(1), 0.7); }},
      {"celu_", [](const Tensor& x, const Tensor&) { return celu_(x.sub_(1), 0.7); }},
      {"hardtanh_", [](const Tensor& x, const Tensor&) { return hardtanh_(x, -0.9, 0.9); }},
      {"threshold_", [](const Tensor& x, const Tensor&) { return threshold_(x, 1, 3); }},
      {"mul_ by itself", [](const Tensor& x, const Tensor&) { return x.mul_(x); }},
      {"div_ by a view of itself", [](const Tensor& x, const Tensor&) { return x.div_(x[1]); }},
      {"sub_ of a view", [](const Tensor& x, const Tensor&) { return x[0].sub_(x[2]), x; }},
      {"one row after another",
       [](const Tensor& x, const Tensor& y) {
         for (Size i = 1; i < 3; ++i) x[i].mul_(x[i - 1].clone()).add_(y[i]);
         return x;
       }},
      {"through a transposed view",
       [](const Tensor& x, const Tensor& y) { return x.t()[1].mul_(y.t()[2]), x; }},
      {"through a strided view",
       [](const Tensor& x, const Tensor& y) {
         return sin_(x.slice(1, 0, 4, 2)).mul_(y.slice(1, 1, 4, 2)), x;
       }},
      {"in what a view shows of a permuted tensor",
       [](const Tensor& x, const Tensor& y) {
         const Tensor turned = x.t().clone();  // dense, in another order
         turned[1].mul_(y.t()[0]);
         return turned * 2;
       }},
  };
  for (const auto& op : ops) {
    const std::string name = op.first;
    CAPTURE(name);
    for (const bool contiguous : {true, false}) {
      check_gradients(
          [&](const std::vector<Tensor>& in) {
            const Tensor x = contiguous ? in[0].clone() : in[0].t().contiguous().t().mul(1);
            return op.second(x, in[1]) * 2;
          },
          {a, b});
    }
  }
}

#define REEL_UNARY(NAME, ...) \
  {#NAME, [](const Tensor& x) { return NAME(x); }, [](const Tensor& x) { return NAME##_(x); }},

TEST_CASE("every function of one tensor in place is that function, with its gradients") {
  struct Row {
    const char* name;
    Tensor (*plain)(const Tensor&);
    Tensor (*in_place)(const Tensor&);
  };
  const std::vector<Row> rows = {
#include "reel/kernels/pointwise_rows.inc"
  };
  CHECK(rows.size() > 40);
  for (const Row& row : rows) {
    const std::string name = row.name;
    CAPTURE(name);
    const bool above_1 = name == "acosh";
    const Tensor a = testing::random_tensor({7}, above_1 ? 1.1 : 0.1, above_1 ? 2 : 0.9);
    a.requires_grad_();
    const Tensor expected = row.plain(a);
    const Tensor x = a.clone();
    const Tensor view = x.view({7, 1});
    CHECK(row.in_place(x).is_same(x));
    CHECK(testing::same(x, expected));
    CHECK(x.op_name() == name + "_");
    const Tensor g = grad(view.sum(), a), expected_g = grad(expected.sum(), a);
    CHECK(testing::same(g, expected_g));
  }
}

TEST_CASE("a leaf that requires grad, or a view of one, is not changed") {
  const Tensor x = leaf({1, 2, 3, 4}), y = leaf({1, 2, 3, 4});
  const char* leaf_text =
      "[add_] expected a tensor that ops on the tape may change, got a leaf that requires grad: its "
      "gradient would be that of elements which are gone\n"
      "help: change it under `NoGradGuard no_grad;`, or use the form that returns a new tensor";
  CHECK_THROWS_WITH_AS(x.add_(1), leaf_text, Error);
  CHECK_THROWS_WITH_AS(x.add_(y), leaf_text, Error);
  CHECK_THROWS_WITH_AS(x[0].mul_(2), doctest::Contains("got a view of a leaf that requires grad"),
                       Error);
  CHECK_THROWS_WITH_AS(x.view({2, 2}).t()[0].zero_(), doctest::Contains("[zero_]"), Error);
  CHECK_THROWS_WITH_AS((x[x > 2] = 0), doctest::Contains("[index_put_]"), Error);
  CHECK_THROWS_WITH_AS(x.uniform_(), doctest::Contains("[uniform_]"), Error);
  check_values(x, {4}, {1, 2, 3, 4});
  {
    const NoGradGuard no_grad;
    x.add_(1);
    x[0].mul_(2);
  }
  check_values(x, {4}, {4, 3, 4, 5});
  CHECK(x.is_leaf());
  SUBCASE("not even where it became one after the view was made") {
    const Tensor z = zeros({2}, {.dtype = float64});
    const Tensor view = z[0];
    z.requires_grad_();
    CHECK_FALSE(view.requires_grad());
    CHECK_THROWS_WITH_AS(view.mul_(x[0]), doctest::Contains("a view of a leaf"), Error);
  }
}

TEST_CASE("a view that became a leaf is one of its own") {
  const Tensor x = zeros({4}, {.dtype = float64});
  const Tensor part = x.slice(0, 0, 2).requires_grad_();
  CHECK(part.is_leaf());
  (part * 3).sum().backward();
  check_values(part.grad(), {2}, {3, 3});
  CHECK_FALSE(x.requires_grad());
  CHECK_THROWS_WITH_AS(part.add_(1), doctest::Contains("got a leaf"), Error);
  {
    const NoGradGuard no_grad;
    x.add_(1);
  }
  check_values(part, {2}, {1, 1});
}

TEST_CASE("a view made under NoGradGuard is not changed on the tape") {
  const Tensor w = leaf({1, 2});
  const Tensor x = zeros({2, 2}, {.dtype = float64});
  Tensor row;
  {
    const NoGradGuard no_grad;
    row = x[0];
  }
  row.add_(1);  // nothing is recorded
  check_values(x, {2, 2}, {1, 1, 0, 0});
  CHECK_THROWS_WITH_AS(row.add_(w),
                       doctest::Contains("[add_] expected a view made while ops were recorded, got "
                                         "one made under NoGradGuard"),
                       Error);
  CHECK_THROWS_AS(row.slice(0, 0, 1).copy_(w[0]), Error);  // nor what is a view of it
  check_values(x, {2, 2}, {1, 1, 0, 0});
}

TEST_CASE("detach makes a tensor that the history of the other does not know") {
  const Tensor a = leaf({1, 2}), w = leaf({3, 4});
  const Tensor x = a * 2;
  const Tensor outside = x.detach();
  outside.mul_(w);
  CHECK(outside.requires_grad());
  check_values(x, {2}, {6, 16});
  x.sum().backward();
  check_values(a.grad(), {2}, {2, 2});
  CHECK_FALSE(w.grad().defined());
  outside.sum().backward();
  check_values(w.grad(), {2}, {2, 4});
}

TEST_CASE("what backward needs must not have changed, and the error names both ops") {
  const Tensor a = leaf({1, 2});
  const Tensor x = a * 1;
  const Tensor y = exp(x);
  SUBCASE("an output") {
    y.mul_(2);
    CHECK_THROWS_WITH_AS(
        y.sum().backward(),
        "[exp] expected the tensor of shape [2] that it saved for backward unchanged, got one "
        "changed in place by 'mul_'\nhelp: change a clone(), or change it after backward()",
        Error);
  }
  SUBCASE("an input, through a view") {
    const Tensor z = log(x);
    x[0].add_(1);
    CHECK_THROWS_WITH_AS(z.sum().backward(),
                         doctest::Contains("[log] expected the tensor of shape [2] that it saved "
                                           "for backward unchanged, got one changed in place by "
                                           "'add_'"),
                         Error);
  }
  SUBCASE("by an optimizer, or under NoGradGuard") {
    const Tensor z = log(x);
    {
      const NoGradGuard no_grad;
      x.index_put_({0}, tensor(5., {.dtype = float64}));
    }
    CHECK_THROWS_WITH_AS(z.sum().backward(), doctest::Contains("in place by 'copy_'"), Error);
  }
  SUBCASE("but what it does not need may") {
    const Tensor z = x + 1, s = sigmoid(z);
    z.mul_(3);
    x.zero_();
    s.sum().backward();
    CHECK(a.grad().defined());
  }
}

TEST_CASE("grad finds what a tensor was, and what it has become") {
  const Tensor a = leaf({1, 2});
  const Tensor x = a * 2;
  const Tensor before = x.view({2});  // follows x, as a view does
  const Tensor y = x * 3;
  x.mul_(5);
  check_values(grad(x.sum(), a, {.retain_graph = true}), {2}, {10, 10});
  check_values(grad(y.sum(), a, {.retain_graph = true}), {2}, {6, 6});
  const Tensor z = (x * x).sum();
  check_values(grad(z, x, {.retain_graph = true}), {2}, {20, 40});
  check_values(grad(z, before), {2}, {0, 0});  // z does not come from this view
}

TEST_CASE("hooks stay with the value that they were registered for") {
  const Tensor a = leaf({1, 2});
  const Tensor x = a * 2;
  std::vector<double> seen;
  x.register_hook([&](const Tensor& dy) { seen.push_back(dy.sum().item()); });
  x.mul_(5);
  x.register_hook([&](const Tensor& dy) { seen.push_back(dy.sum().item()); });
  (x * 7).sum().backward();
  CHECK(seen == std::vector<double>{14, 70});
}

TEST_CASE("a tensor that retains its gradient goes on to do so for what it becomes") {
  const Tensor a = leaf({1, 2});
  const Tensor x = a * 2;
  x.retain_grad();
  x.mul_(5);
  CHECK(x.retains_grad());
  (x * 7).sum().backward();
  check_values(x.grad(), {2}, {7, 7});
  SUBCASE("a view too") {
    const Tensor y = a * 2;
    const Tensor part = y[0];
    part.retain_grad();
    part.mul_(3);
    y[1].mul_(4);
    CHECK(part.retains_grad());
    (part * part).backward();
    check_values(part.grad(), {}, {12});
    check_values(a.grad(), {2}, {70 + 72, 70});
  }
}

TEST_CASE("as_strided shows any layout, with gradients that add up") {
  const Tensor a = leaf({1, 2, 3, 4, 5, 6});
  const Tensor x = a * 1;
  const Tensor windows = x.as_strided({4, 3}, {1, 1});
  check_values(windows, {4, 3}, {1, 2, 3, 2, 3, 4, 3, 4, 5, 4, 5, 6});
  windows.sum().backward();
  check_values(a.grad(), {6}, {1, 2, 3, 3, 2, 1});
  check_values(x.as_strided({2}, {2}, 1), {2}, {2, 4});
  check_gradients(
      [](const std::vector<Tensor>& in) {
        return as_strided(in[0] * 1, {4, 3}, {1, 1}) * as_strided(in[0] * 2, {4, 1}, {0, 1}, 2);
      },
      {a});
  check_gradients(
      [](const std::vector<Tensor>& in) {
        return as_strided_scatter(in[0] * 1, in[1], {2, 2}, {3, 1}, 1);
      },
      {a, testing::random_tensor({2, 2}).requires_grad_()});
  CHECK_THROWS_WITH_AS(x.as_strided({4}, {2}),
                       "[as_strided] expected a layout within the 6 elements of the tensor's "
                       "memory, got shape [4], strides [2] and offset 0",
                       Error);
  CHECK_THROWS_WITH_AS(x.as_strided({4}, {1, 1}), doctest::Contains("a stride for each size"),
                       Error);
  CHECK_THROWS_WITH_AS(x.as_strided({4}, {-1}), doctest::Contains("strides of 0 or more"), Error);
  CHECK_THROWS_WITH_AS(x.as_strided({4}, {1}, -1), doctest::Contains("offset of 0 or more"), Error);
  CHECK_THROWS_WITH_AS(a.expand({2, 6}).as_strided({4}, {1}),
                       doctest::Contains("got an expanded tensor of shape [2, 6]"), Error);
}

TEST_CASE("an op of one's own may work in place") {
  const Tensor a = leaf({1, 2});
  const auto scale = [](const Tensor& x) {
    check_in_place("scale_", x);
    for (Size i = 0; i < x.numel(); ++i) x.data_ptr<double>()[i] *= 3;
    return record_in_place("scale_", x, wrt(x, [](const Tensor& dy) { return dy * 3; }));
  };
  const Tensor x = a * 1;
  const Tensor whole = x.view({2, 1});
  scale(x);
  whole.sum().backward();
  check_values(a.grad(), {2}, {3, 3});
  CHECK_THROWS_WITH_AS(scale(a), doctest::Contains("[scale_]"), Error);
}

TEST_CASE("checkpoint runs in-place ops again") {
  const Tensor a = leaf({1, 2, 3});
  const auto f = [](const Tensor& x) {
    const Tensor y = x * 2;
    y[1].mul_(y[0].clone());
    y.exp_();
    return y;
  };
  const Tensor plain = grad(f(a).sum(), a);
  CHECK(testing::same(grad(checkpoint(f, a).sum(), a), plain));
}

TEST_CASE("the backward of a buffer written row after row takes memory for each row, not for all") {
  const auto bytes_of_backward = [](Size count) {
    const Tensor w = leaf({1, 2});
    const Tensor rows = zeros({count, 2}, {.dtype = float64});
    for (Size t = 0; t < count; ++t) rows[t].copy_(w * static_cast<double>(t));
    const Tensor loss = rows.sum();
    const std::int64_t before = detail::memory_counters().bytes;
    loss.backward();
    const double sum = static_cast<double>(count * (count - 1) / 2);
    check_values(w.grad(), {2}, {sum, sum});
    return detail::memory_counters().bytes - before;
  };
  bytes_of_backward(8);
  // A copy of the buffer for each row would be four times as much, and more.
  CHECK(bytes_of_backward(4000) < 3 * bytes_of_backward(2000));
}
