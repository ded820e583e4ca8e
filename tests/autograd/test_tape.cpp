#include "reel/autograd/tape.h"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "reel/ops/ops.h"

using namespace reel;

namespace {

Tensor leaf(double value) { return full({}, value, {.dtype = float64, .requires_grad = true}); }

}  // namespace

TEST_CASE("backward accumulates into the leaves") {
  const Tensor x = leaf(3);
  (x * x).backward();
  CHECK(x.grad().item() == 6);
  (x * 2).backward();
  CHECK(x.grad().item() == 8);
}

TEST_CASE("a tensor used twice gets the sum of both gradients") {
  const Tensor x = leaf(2);
  const Tensor y = x * x;
  (y * y + y).backward();  // x^4 + x^2
  CHECK(x.grad().item() == doctest::Approx(4 * 8 + 2 * 2));
}

TEST_CASE("a gradient is summed back over what broadcasting repeated") {
  const Tensor row = ones({3}, {.requires_grad = true});
  const Tensor column = ones({2, 1}, {.requires_grad = true});
  (row * column).sum().backward();
  CHECK(row.grad().shape() == Shape{3});
  CHECK(row.grad()[0].item() == 2);
  CHECK(column.grad().shape() == Shape{2, 1});
  CHECK(column.grad()[0][0].item() == 3);
}

TEST_CASE("grad leaves .grad() alone and gives zeros for what does not matter") {
  const Tensor x = leaf(3);
  const Tensor other = leaf(1);
  const std::vector<Tensor> gradients = grad({x * x}, {x, other});
  CHECK(gradients[0].item() == 6);
  CHECK(gradients[1].item() == 0);
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("lists of one are lists, also in braces") {
  const Tensor x = full({3}, 2.0, {.requires_grad = true});
  const Tensor y = (x * x).sum();
  CHECK(grad({y}, {x}, {.retain_graph = true})[0].shape() == Shape{3});
  CHECK(grad(y, x).shape() == Shape{3});
}

TEST_CASE("grad reaches results in the middle and runs only what leads to them") {
  const Tensor x = leaf(2);
  const Tensor middle = x * x;
  const Tensor loss = middle * 3 + exp(leaf(1));
  CHECK(grad(loss, middle).item() == 3);
}

TEST_CASE("the gradient of a tensor with respect to itself is one") {
  const Tensor x = leaf(2);
  CHECK(grad(x, x).item() == 1);
}

TEST_CASE("create_graph gives gradients of gradients, to any order") {
  const Tensor x = leaf(2);
  const Tensor y = x * x * x * x;
  const Tensor first = grad(y, x, {.create_graph = true});
  const Tensor second = grad(first, x, {.create_graph = true});
  const Tensor third = grad(second, x);
  CHECK(first.item() == 32);
  CHECK(second.item() == 48);
  CHECK(third.item() == 48);
}

TEST_CASE("rules that use the output can be differentiated again") {
  const Tensor x = leaf(0.5);
  const Tensor first = grad(tanh(x), x, {.create_graph = true});
  const double y = std::tanh(0.5);
  CHECK(grad(first, x).item() == doctest::Approx(-2 * y * (1 - y * y)));
}

TEST_CASE("a graph can be used once, unless it is retained") {
  const Tensor x = leaf(3);
  const Tensor y = x * x;
  y.backward({.retain_graph = true});
  y.backward();
  CHECK(x.grad().item() == 12);
  CHECK_THROWS_WITH_AS(y.backward(), doctest::Contains("freed by an earlier backward"), Error);
}

TEST_CASE("an op that saved nothing serves every backward") {
  const Tensor w = ones({2, 3}, {.dtype = float64, .requires_grad = true});
  const auto f = [](Tensor (*op)(const Tensor&)) { return op; };
  const std::pair<std::string, Tensor (*)(const Tensor&)> ops[] = {
      {"transpose", f([](const Tensor& x) { return x.t(); })},
      {"permute", f([](const Tensor& x) {
         return x.permute({1, 0});
       })},
      {"view", f([](const Tensor& x) { return x.view({6}); })},
      {"reshape", f([](const Tensor& x) { return x.t().reshape({6}); })},
      {"flatten", f([](const Tensor& x) { return x.flatten(); })},
      {"squeeze", f([](const Tensor& x) { return x.unsqueeze(0).squeeze(0); })},
      {"expand", f([](const Tensor& x) {
         return x.expand({4, 2, 3});
       })},
      {"slice", f([](const Tensor& x) { return x.slice(1, 0, 2); })},
      {"select", f([](const Tensor& x) { return x[1]; })},
      {"clone", f([](const Tensor& x) { return x.clone(); })},
      {"contiguous", f([](const Tensor& x) { return x.t().contiguous(); })},
      {"to", f([](const Tensor& x) { return x.to(float32); })},
      {"neg", f([](const Tensor& x) { return -x; })},
      {"add", f([](const Tensor& x) { return x + x; })},
      {"sub", f([](const Tensor& x) { return 1 - x; })},
      {"sum", f([](const Tensor& x) { return x.sum(); })},
      {"mean", f([](const Tensor& x) { return x.mean(0); })},
      {"cumsum", f([](const Tensor& x) { return x.cumsum(0); })},
      {"cat", f([](const Tensor& x) {
         return cat({x, x});
       })},
      {"stack", f([](const Tensor& x) {
         return stack({x, x});
       })},
  };
  for (const auto& [op_name, op] : ops) {
    const std::string& name = op_name;  // a capture cannot name a binding
    CAPTURE(name);
    const Tensor made_once = op(w);
    for (int step = 1; step <= 2; ++step) {
      CHECK_NOTHROW((made_once * 3).sum().backward());
    }
    const Tensor twice = w.grad();
    w.set_grad({});
    (op(w) * 6).sum().backward();
    CHECK((twice == w.grad()).all().item<bool>());
    w.set_grad({});
  }
}

TEST_CASE("nothing is recorded under NoGradGuard") {
  const Tensor x = leaf(3);
  {
    NoGradGuard no_grad;
    CHECK_FALSE((x * x).requires_grad());
    {
      EnableGradGuard record_again;
      CHECK((x * x).requires_grad());
    }
  }
  CHECK((x * x).requires_grad());
  CHECK_FALSE((x.detach() * 2).requires_grad());
}

TEST_CASE("backward itself records nothing unless asked") {
  const Tensor x = leaf(3);
  (x * x).backward();
  CHECK_FALSE(x.grad().requires_grad());
}

TEST_CASE("an in-place change between forward and backward is an error that names the op") {
  const Tensor x = leaf(3);
  const Tensor w = full({}, 2, {.dtype = float64});
  const Tensor y = x * w;
  w.add_(1);
  CHECK_THROWS_WITH_AS(y.backward(),
                       doctest::Contains("[mul] expected the tensor of shape [] that it"
                                         " saved for backward unchanged"),
                       Error);
}

TEST_CASE("an in-place change of an output that its op saved is an error too") {
  const Tensor x = leaf(0.5);
  const Tensor y = tanh(x);
  {
    NoGradGuard no_grad;
    y.add_(1);
  }
  CHECK_THROWS_WITH_AS(y.backward(), doctest::Contains("[tanh] expected the tensor"), Error);
}

TEST_CASE("after an error in backward the graph can be walked again") {
  const Tensor x = leaf(3);
  const Tensor w = full({}, 2, {.dtype = float64});
  const Tensor a = x * x;
  const Tensor y = a * w + a;
  w.add_(1);
  CHECK_THROWS_AS(y.backward({.retain_graph = true}), Error);
  const Tensor z = a * 2;
  z.backward();
  CHECK(x.grad().item() == 12);
}

TEST_CASE("backward says what it needs") {
  const Tensor x = ones({2}, {.requires_grad = true});
  CHECK_THROWS_WITH_AS(
      (x * 2).backward(),
      doctest::Contains("[backward] expected a tensor with one element, or a gradient"), Error);
  CHECK_THROWS_WITH_AS(ones({}).backward(),
                       doctest::Contains("[backward] expected a tensor that requires grad"), Error);
  CHECK_THROWS_WITH_AS((x * 2).backward({.gradient = ones({3})}),
                       doctest::Contains("[backward] expected a gradient of shape [2]"), Error);
  (x * 2).backward({.gradient = full({2}, 5.0)});
  CHECK(x.grad()[1].item() == 10);
}

TEST_CASE("backward and grad name themselves when they are given undefined tensors") {
  const Tensor x = leaf(3);
  const Tensor y = x * x;
  CHECK_THROWS_WITH_AS(Tensor().backward(),
                       "[backward] expected roots that are tensors, got an undefined one at "
                       "position 0",
                       Error);
  CHECK_THROWS_WITH_AS(grad({y, Tensor()}, {x}),
                       "[grad] expected outputs that are tensors, got an undefined one at "
                       "position 1",
                       Error);
  CHECK_THROWS_WITH_AS(grad(y, Tensor()),
                       "[grad] expected inputs that are tensors, got an undefined one at "
                       "position 0",
                       Error);
}

TEST_CASE("a rule that returns the wrong dtype, shape or count is an error that names its op") {
  const Tensor x = ones({2}, {.requires_grad = true});
  auto with_rule = [&](auto rule) { return record("strange", x.detach() * 1, wrt(x, rule)).sum(); };
  CHECK_THROWS_WITH_AS(
      with_rule([](const Tensor& dy) { return dy.to(float64); }).backward(),
      "[strange] expected its backward to return dtype float32 for input 0, got float64", Error);
  CHECK_THROWS_WITH_AS(with_rule([](const Tensor&) { return ones({3}); }).backward(),
                       "[strange] expected its backward to return shape [2] or one broadcast from "
                       "it for input 0, got [3]",
                       Error);
  const Tensor joint = record("strange", x.detach() * 1, inputs(x, x),
                              [](const Tensor& dy, const Needs&) { return Gradients{dy}; });
  CHECK_THROWS_WITH_AS(
      joint.sum().backward(),
      "[strange] expected its backward to return 2 gradients, one for each input, got 1", Error);
}

TEST_CASE("an op must not record its own input as its output") {
  const Tensor x = ones({2}, {.requires_grad = true});
  CHECK_THROWS_WITH_AS((void)record("same", x, wrt(x, [](const Tensor& dy) { return dy; })),
                       doctest::Contains("[same] expected a new tensor"), Error);
}

TEST_CASE("record leaves a tensor that somebody else holds as it is") {
  const Tensor x = leaf(3);
  const Tensor c = full({}, 5, {.dtype = float64});
  const auto rule = [](const Tensor& dy) { return dy * 2; };
  const Tensor y = record("held", c, wrt(x, rule));
  CHECK_FALSE(c.requires_grad());
  CHECK(c.is_leaf());
  CHECK(y.data_ptr<double>() == c.data_ptr<double>());
  CHECK(y.op_name() == std::string("held"));
  y.backward();
  CHECK(x.grad().item() == 2);

  const Tensor joint =
      record("held", c, inputs(x), [](const Tensor& dy, const Needs&) { return Gradients{dy}; });
  CHECK(joint.requires_grad());
  CHECK_FALSE(c.requires_grad());

  Tensor mine = full({}, 5, {.dtype = float64});
  const double* memory = mine.data_ptr<double>();
  const auto* body = mine.get();
  const Tensor moved = record("moved", std::move(mine), wrt(x, rule));
  CHECK(moved.get() == body);  // no view where nobody else looks
  CHECK(moved.data_ptr<double>() == memory);
}

TEST_CASE("a rule that captures its own op's output is refused") {
  const Tensor x = leaf(0.5);
  const Tensor y = tanh(x.detach());
  constexpr const char* message =
      "[mine] expected a rule that does not capture the op's own output, got one that does\n"
      "help: take it as the rule's second parameter: [](const Tensor& dy, const Tensor& y)";
  CHECK_THROWS_WITH_AS(
      (void)record("mine", y,
                   wrt(x, [y = save(y)](const Tensor& dy) { return dy * (1 - y * y()); })),
      message, Error);
  CHECK_THROWS_WITH_AS(
      (void)record("mine", y, wrt(x, [y](const Tensor& dy) { return dy * (1 - y * y); })), message,
      Error);
  CHECK_THROWS_WITH_AS(
      (void)record("mine", y, inputs(x),
                   [kept = std::vector<Tensor>{y}](const Tensor& dy, const Needs&) {
                     return Gradients{dy * kept[0]};
                   }),
      message, Error);
  const Tensor good = record("mine", y, wrt(x, [x = save(x)](const Tensor& dy, const Tensor& out) {
                               return dy * (1 - out * out) + 0 * x;
                             }));
  CHECK(grad(good, x).item() == doctest::Approx(1 - std::tanh(0.5) * std::tanh(0.5)));
}

TEST_CASE("an op's name may be made at run time and outlives the string") {
  const Tensor x = leaf(3);
  const Tensor w = full({}, 2, {.dtype = float64});
  Tensor y;
  {
    auto name = std::make_unique<std::string>("an op whose name is long enough for the heap");
    y = record(*name, x.detach() * w, wrt(x, [w = save(w)](const Tensor& dy) { return dy * w; }));
    name->assign(name->size(), 'Z');
  }
  CHECK(y.op_name() == std::string("an op whose name is long enough for the heap"));
  char buffer[] = "from a buffer";
  const char* pointer = buffer;
  const Tensor z = record(pointer, y.detach() * 1, inputs(y),
                          [](const Tensor& dy, const Needs&) { return Gradients{dy}; });
  buffer[0] = 'Z';
  CHECK(z.op_name() == std::string("from a buffer"));
  w.add_(1);
  CHECK_THROWS_WITH_AS(z.backward(), doctest::Contains("[an op whose name is long enough"), Error);
}

TEST_CASE("record of an undefined output is an error that names the op") {
  const Tensor x = leaf(3);
  CHECK_THROWS_WITH_AS(
      (void)record("nothing", Tensor(), wrt(x, [](const Tensor& dy) { return dy; })),
      "[nothing] expected a tensor as the output to record, got an undefined one", Error);
}

TEST_CASE("rules of inputs that need no gradient do not run") {
  const Tensor x = ones({2}, {.requires_grad = true});
  const Tensor fixed = ones({2});
  int runs = 0;
  record("counted", x.detach() * 1, wrt(x, [](const Tensor& dy) { return dy; }),
         wrt(fixed,
             [&runs](const Tensor& dy) {
               ++runs;
               return dy;
             }))
      .sum()
      .backward();
  CHECK(runs == 0);
  CHECK(x.grad()[0].item() == 1);
}

TEST_CASE("saved tensors are freed as soon as backward has used them") {
  const Tensor x = ones({1000}, {.requires_grad = true});
  const Tensor loss = exp(x).sum();
  const auto before = memory_stats().in_use;
  loss.backward();
  // The 4000 bytes that exp saved are gone; a gradient of the same size came.
  CHECK(memory_stats().in_use <= before + 512);
}

TEST_CASE("anomaly detection names the op") {
  const Tensor x = zeros({1}, {.requires_grad = true});
  const Tensor y = (log(x) * 0).sum();
  DetectAnomalyGuard detect;
  CHECK_THROWS_WITH_AS(y.backward(), doctest::Contains("without NaN"), Error);
}

TEST_CASE("a chain of a million ops runs forward and backward and is released") {
  const Tensor x = leaf(1);
  Tensor y = x;
  for (int i = 0; i < 1'000'000; ++i) y = y + 1;
  CHECK(y.item() == 1'000'001);
  y.backward();
  CHECK(x.grad().item() == 1);
}

TEST_CASE("a wide graph is walked in order") {
  const Tensor x = leaf(1);
  Tensor sum = x;
  for (int i = 0; i < 1000; ++i) sum = sum + x * i;
  sum.backward();
  CHECK(x.grad().item() == 1 + 999 * 1000 / 2);
}

TEST_CASE("tensors may travel between threads and keep their order") {
  const Tensor x = leaf(2);
  Tensor y;
  std::thread([&] {
    Tensor z = x;
    for (int i = 0; i < 100; ++i) z = z + 0;
    y = z * x;
  }).join();
  (y * x).backward();  // this thread's clock is behind the other's
  CHECK(x.grad().item() == 12);
}

TEST_CASE("threads can walk graphs of their own at once") {
  auto work = [] {
    for (int i = 0; i < 200; ++i) {
      const Tensor x = leaf(i);
      (x * x).backward();
      if (x.grad().item() != 2.0 * i) throw Error("wrong gradient");
    }
  };
  std::thread a(work);
  std::thread b(work);
  a.join();
  b.join();
}
