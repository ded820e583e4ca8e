#include "reel/func/vmap.h"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "reel/autograd/fmt.h"
#include "reel/func/func.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "samples.h"
#include "support/compare.h"
#include "support/message_of.h"

using namespace reel;
using testing::as_in_loop;
using testing::close;
using testing::loop;
using testing::message_of;
using testing::same;
using testing::whole;

namespace {

const TensorOptions doubles{.dtype = float64};
constexpr auto shared = std::nullopt;

struct Perceptron {
  nn::Linear fc1{6, 8};
  nn::Linear fc2{8, 3};

  Tensor operator()(const Tensor& x) const { return fc2(relu(fc1(x))); }
};

struct Convolutional {
  nn::Conv2d conv{1, 4, 3};
  nn::GroupNorm norm{2, 4};
  nn::Linear fc{4 * 3 * 3, 3};

  Tensor operator()(const Tensor& x) const {
    return fc(flatten(max_pool2d(relu(norm(conv(x.unsqueeze(0)))), 2), 1)).squeeze(0);
  }
};

struct Attending {
  nn::MultiheadAttention attention{8, 2};
  nn::LayerNorm norm{8};
  nn::Linear fc{8, 3};

  Tensor operator()(const Tensor& x) const {
    const Tensor batch = x.unsqueeze(0);
    return fc(norm(batch + attention(batch)).mean(1)).squeeze(0);
  }
};

template <class Net>
Tensor loss_of(const Net& net, const Tensor& x, const Tensor& label) {
  return nn::cross_entropy(net(x), label);
}

/// The gradient of each sample's loss with respect to the parameters, at once and in a loop.
template <class Net>
void check_gradients_of_samples(const Net& net, const Tensor& x, const Tensor& labels) {
  const auto gradient = func::grad(loss_of<Net>);
  const auto all =
      nn::state_dict(func::vmap(gradient, {.in_dims = {shared, 0, 0}})(net, x, labels));
  REQUIRE_FALSE(all.empty());
  for (const auto& [key, got] : all) {
    const std::string& name = key;
    CAPTURE(name);
    const Tensor wanted = loop(
        x.size(0), [&](Size i) { return nn::state_dict(gradient(net, x[i], labels[i])).at(name); });
    CHECK(close(got, wanted, 1e-6));
    CHECK_FALSE(got.requires_grad());
  }
}

}  // namespace

TEST_CASE("per-sample gradients of a perceptron, a CNN and an attention block equal a loop's") {
  manual_seed(10);
  const Tensor labels = whole({5}, 3);
  check_gradients_of_samples(Perceptron{}, randn({5, 6}), labels);
  check_gradients_of_samples(Convolutional{}, randn({5, 1, 8, 8}), labels);
  check_gradients_of_samples(Attending{}, randn({5, 4, 8}), labels);
}

TEST_CASE("an ensemble: samples of a module, all with the same input") {
  manual_seed(11);
  const std::vector<Perceptron> nets(3);
  Perceptron all = nets[0];
  std::vector<Tensor> weights, biases;
  StateDict stacked;
  for (const auto& [name, tensor] : nn::state_dict(nets[0])) {
    std::vector<Tensor> each;
    for (const Perceptron& net : nets) each.push_back(nn::state_dict(net).at(name));
    stacked[name] = stack(each);
  }
  const Tensor x = randn({2, 6});
  const auto run = [&](const StateDict& state, const Tensor& input) {
    return func::functional_call(nets[0], state, input);
  };
  const Tensor y = func::vmap(run, {.in_dims = {0, shared}})(stacked, x);
  CHECK(as_in_loop(y, loop(3, [&](Size i) { return nets[static_cast<std::size_t>(i)](x); })));
}

TEST_CASE("gradients inside vmap are each sample's, of tensors shared and not") {
  manual_seed(12);
  const Tensor x = randn({3, 4}, doubles), w = randn(4, doubles);
  const auto f = [](const Tensor& a, const Tensor& b) { return (sin(a) * b * b).sum(); };
  const auto [da, db] = func::vmap(func::grad<0, 1>(f), {.in_dims = {0, shared}})(x, w);
  CHECK(as_in_loop(da, cos(x) * w * w));
  CHECK(as_in_loop(db, 2 * sin(x) * w));
  CHECK(same(func::vmap(func::grad(f), {.in_dims = {0, shared}})(x, w), da));
  CHECK(as_in_loop(func::vmap(func::grad(func::grad([](const Tensor& a) { return a.pow(3); })))(w),
                   6 * w));

  const auto g = [&](const Tensor& a) { return sin(a) * w; };
  CHECK(as_in_loop(func::vmap(func::jacrev(g))(x),
                   loop(3, [&](Size i) { return func::jacrev(g)(x[i]); })));
  CHECK(as_in_loop(func::vmap(func::jacfwd(g))(x),
                   loop(3, [&](Size i) { return func::jacfwd(g)(x[i]); })));
  const auto h = [](const Tensor& a) { return (a * a * a).sum() * a[0]; };
  CHECK(as_in_loop(func::vmap(func::hessian(h))(x),
                   loop(3, [&](Size i) { return func::hessian(h)(x[i]); })));
  const auto along = [&](const Tensor& a, const Tensor& v) { return func::jvp(g, a, v).second; };
  CHECK(as_in_loop(func::vmap(along)(x, x * 2), cos(x) * w * x * 2));
  const auto back = [&](const Tensor& a, const Tensor& v) { return func::vjp(g, a).second(v); };
  CHECK(as_in_loop(func::vmap(back, {.in_dims = {0, shared}})(x, w), cos(x) * w * w));
  const auto curved = [&](const Tensor& a, const Tensor& v) { return func::hvp(h, a, v).second; };
  CHECK(as_in_loop(func::vmap(curved)(x, x), loop(3, [&](Size i) { return curved(x[i], x[i]); })));
  // Two vmaps around a gradient.
  const auto pairs =
      func::vmap(func::vmap(func::grad(f), {.in_dims = {shared, 0}}), {.in_dims = {0, shared}});
  CHECK(as_in_loop(pairs(x, x), loop(3, [&](Size i) {
                     return loop(3, [&](Size k) { return cos(x[i]) * x[k] * x[k]; });
                   })));
}

TEST_CASE("gradients go through vmap to what it was given and to what it captured") {
  manual_seed(13);
  const Tensor x = randn({3, 4}, doubles).requires_grad_(), w = randn(4, doubles).requires_grad_();
  const auto f = [&](const Tensor& a) { return (a * a * w).sum(); };
  const Tensor y = func::vmap(f)(x);
  CHECK(y.requires_grad());
  y.sum().backward();
  CHECK(as_in_loop(x.grad(), 2 * x.detach() * w.detach()));
  CHECK(as_in_loop(w.grad(), (x * x).sum(0).detach()));

  const auto outer = [&](const Tensor& a) { return func::vmap(func::grad(f))(a).pow(2).sum(); };
  CHECK(as_in_loop(func::grad(outer)(x.detach()), (8 * x * w * w).detach()));
  CHECK(as_in_loop(func::jacrev(func::vmap(f))(x.detach()),
                   eye(3, doubles).unsqueeze(2) * (2 * x * w).detach()));
  const NoGradGuard no_grad;
  CHECK_FALSE(func::vmap(f)(x).requires_grad());
}

TEST_CASE("vmap takes and gives samples along any dimension, in any form") {
  const Tensor x = arange(24).to(float64).view({2, 3, 4}), y = arange(3).to(float64);
  const auto f = [](const Tensor& a, const Tensor& b) { return a * b; };
  CHECK(same(func::vmap(f, {.in_dims = {1, 0}})(x, y), (x.transpose(0, 1) * y.view({3, 1, 1}))));
  CHECK(same(func::vmap(f, {.in_dims = {-2, 0}, .out_dims = 1})(x, y), x * y.view({3, 1})));
  CHECK(func::vmap(f, {.in_dims = {1, 0}, .out_dims = -1})(x, y).shape() == Shape{2, 4, 3});

  const auto several = [](const Tensor& a) { return std::tuple{a, a.sum(), ones(2)}; };
  const auto [whole_, sums, constant] =
      func::vmap(several, {.in_dims = 1, .out_dims = {2, 0, shared}})(x);
  CHECK(same(whole_, x.permute({0, 2, 1})));
  CHECK(same(sums, x.sum({0, 2})));
  CHECK(same(constant, ones(2)));
  const auto repeated = func::vmap([](const Tensor&) { return ones(2); })(y);
  CHECK(same(repeated, ones({3, 2})));

  const auto listed = [](const std::vector<Tensor>& a, double factor, const std::string& name) {
    return std::vector<Tensor>{a[0] * factor, a[1] + static_cast<double>(name.size())};
  };
  const auto list = func::vmap(listed)(std::vector<Tensor>{y, y}, 2.0, std::string("ab"));
  CHECK(same(list[0], y * 2));
  CHECK(same(list[1], y + 2));
  CHECK(same(func::vmap([](const Tensor& a) { return std::array{a, -a}; })(y)[1], -y));
  CHECK(same(func::vmap([](const Tensor& a) -> Tensor { return a; })(y), y));
  CHECK(func::vmap([](const Tensor& a) { return a.size(0) + a; })(x).shape() == x.shape());
}

TEST_CASE("vmap in chunks gives the same") {
  manual_seed(14);
  const Tensor x = randn({7, 4}, doubles), w = randn({4, 4}, doubles);
  const auto f = [&](const Tensor& a) { return std::pair{matmul(w, a), a.sum()}; };
  const auto [y, s] = func::vmap(f, {.out_dims = {1, 0}})(x);
  for (const Size size : {1, 3, 7, 20}) {
    const auto [y_chunks, s_chunks] = func::vmap(f, {.out_dims = {1, 0}, .chunk_size = size})(x);
    CHECK(as_in_loop(y_chunks, y));
    CHECK(as_in_loop(s_chunks, s));
  }
}

TEST_CASE("random numbers inside vmap are what randomness says") {
  const Tensor x = ones({3, 1000}, doubles);
  const auto draws = [](const Tensor& a) {
    return std::vector<Tensor>{
        rand(4),       randn_like(a),      dropout(a), randint(100, {50}),
        randperm(100), bernoulli(a * 0.5), rand({2}),  dropout(ones(100), 0.5)};
  };
  manual_seed(15);
  const std::vector<Tensor> same_ = func::vmap(draws, {.randomness = "same"})(x);
  manual_seed(15);
  const std::vector<Tensor> alone = draws(x[0]);
  for (std::size_t i = 0; i < same_.size(); ++i) {
    CAPTURE(i);
    CHECK(same(same_[i], loop(3, [&](Size) { return alone[i]; })));
  }
  const std::vector<Tensor> different = func::vmap(draws, {.randomness = "different"})(x);
  for (std::size_t i = 0; i < different.size(); ++i) {
    CAPTURE(i);
    CHECK(different[i].shape() == same_[i].shape());
    CHECK_FALSE(same(different[i][0], different[i][1]));
    CHECK_FALSE(same(different[i][1], different[i][2]));
  }
  CHECK(
      message_of([&] { func::vmap(draws)(x); }) ==
      "[rand] expected to be told what random numbers are inside vmap, the same for each sample or "
      "different\n"
      "help: vmap(f, {.randomness = \"different\"}), or \"same\"");
  CHECK(message_of([&] {
          func::vmap([](const Tensor& a) { return dropout(a); })(x);
        }).starts_with("[dropout] expected to be told"));
  CHECK(same(func::vmap([](const Tensor& a) { return dropout(a, 0.5, false); })(x), x));
  const auto drop = [](const Tensor& a) { return dropout(a / 0, 0.5); };
  const Tensor dropped = func::vmap(drop, {.randomness = "same"})(x);
  CHECK((isinf(dropped) || dropped == 0).all().item<bool>());
  // Of an outer vmap the same numbers, of the inner one others.
  const auto inner = [&](const Tensor& a) {
    return func::vmap([](const Tensor& b) { return b + randn({2}, {.dtype = float64}); },
                      {.randomness = "different"})(a);
  };
  const Tensor nested = func::vmap(inner, {.randomness = "same"})(zeros({2, 3}, doubles));
  CHECK(same(nested[0], nested[1]));
  CHECK_FALSE(same(nested[0][0], nested[0][1]));
}

// ---- what it refuses

TEST_CASE("vmap refuses ops without a rule, by name") {
  const Tensor x = ones({3, 4}), m = ones({3, 4, 4});
  const auto refused = [&](const auto& f, const Tensor& from) {
    return message_of([&] { func::vmap(f)(from); });
  };
  const auto no_rule = [](const std::string& op) {
    return "[" + op +
           "] expected a tensor of its own, got one that stands for the samples of a vmap, for which "
           "this op has no rule\nhelp: call it outside of the function that vmap runs";
  };
  const Tensor fixed = zeros(4);
  CHECK(refused([](const Tensor& a) { return a.add_(1); }, x) == no_rule("add_"));
  CHECK(refused([&](const Tensor& a) { return fixed.add_(a); }, x) == no_rule("add_"));
  CHECK(refused([&](const Tensor& a) { return fixed.copy_(a); }, x) == no_rule("copy_"));
  CHECK(refused([](const Tensor& a) { return a.zero_(); }, x) == no_rule("zero_"));
  CHECK(refused([](const Tensor& a) { return relu_(a); }, x) == no_rule("relu_"));
  CHECK(refused([&](const Tensor& a) { return fixed.index_put_({0}, a[0]); }, x) ==
        no_rule("index_put_"));
  CHECK(refused([](const Tensor& a) { return a.uniform_(); }, x) == no_rule("uniform_"));
  CHECK(refused([](const Tensor& a) { return masked_select(a, a > 0); }, x) ==
        no_rule("masked_select"));
  CHECK(refused([](const Tensor& a) -> Tensor { return a[a > 0]; }, x) == no_rule("index"));
  CHECK(refused([](const Tensor& a) { return nonzero(a); }, x) == no_rule("nonzero"));
  CHECK(refused([](const Tensor& a) { return as_strided(a, {2}, {1}); }, x) ==
        no_rule("as_strided"));
  CHECK(refused(
            [](const Tensor& a) {
              return lstm_layer(a.unsqueeze(1), {ones({8, 4}), ones({8, 2})}).output;
            },
            m) == no_rule("lstm_layer"));
  CHECK(refused([](const Tensor& a) { return full_like(a, a[0]); }, x) == no_rule("item"));
  CHECK(refused([](const Tensor& a) { return tensor(a[0].item()); }, x) == no_rule("item"));
  CHECK(refused([](const Tensor& a) { return tensor(a.data_ptr<float>()[0]); }, x) ==
        no_rule("data_ptr"));
  CHECK(refused([](const Tensor& a) { return a.requires_grad_(); }, x) ==
        no_rule("requires_grad_"));
  CHECK(refused(
            [](const Tensor& a) {
              return record("mine", a * 2, wrt(a, [](const Tensor& dy) { return dy * 2; }));
            },
            ones({3, 4}).requires_grad_()) == no_rule("mine"));
  CHECK(refused(
            [](const Tensor& a) {
              a.sum().backward();
              return a;
            },
            ones({3, 4}).requires_grad_())
            .starts_with("[backward] expected tensors outside of vmap"));
  CHECK(refused(
            [](const Tensor& a) {
              a.register_hook([](const Tensor& dy) { return dy; });
              return a;
            },
            ones({3, 4}).requires_grad_()) == no_rule("register_hook"));
  CHECK(refused([](const Tensor& a) { return one_hot(a.to(int64)); }, x) ==
        "[one_hot] expected num_classes inside vmap, where every sample has as many, got none");
  CHECK(refused([norm = nn::BatchNorm1d{4}](const Tensor& a) { return norm(a); }, m)
            .starts_with("[batch_norm] expected no running mean and variance in training"));
}

TEST_CASE("vmap says what it was given that it cannot take") {
  const Tensor x = ones({3, 4}), y = ones({5, 4});
  const auto f = [](const Tensor& a, const Tensor& b) { return a + b; };
  const auto said = [&](const func::VmapOptions& options, const Tensor& a, const Tensor& b) {
    return message_of([&] { func::vmap(f, options)(a, b); });
  };
  CHECK(
      said({}, x, y) ==
      "[vmap] expected as many samples in all arguments, got 3 in a tensor of shape [3, 4] and 5 in "
      "one of shape [5, 4], of argument 1");
  CHECK(said({.in_dims = {0}}, x, x) == "[vmap] expected in_dims for 2 arguments, got 1");
  CHECK(said({.in_dims = {shared, shared}}, x, x) ==
        "[vmap] expected an argument with samples, got none");
  CHECK(said({}, x, tensor(1.0)) ==
        "[vmap] expected samples along dimension 0 of argument 1, got a tensor of shape []\n"
        "help: .in_dims = {std::nullopt, 0} shares argument 0 among all samples");
  CHECK(said({.in_dims = 2}, x, x).starts_with("[vmap] expected samples along dimension 2"));
  CHECK(said({.out_dims = {0, 0}}, x, x) == "[vmap] expected out_dims for 1 results, got 2");
  CHECK(said({.out_dims = 2}, x, x).starts_with("[vmap] expected"));
  CHECK(said({.out_dims = {shared}}, x, x) ==
        "[vmap] expected a result that is the same for all samples, as out_dims says, got one of "
        "shape [4] for each");
  CHECK(said({.randomness = "some"}, x, x) ==
        "[vmap] expected randomness \"error\", \"same\" or \"different\", got \"some\"");
  CHECK(said({.chunk_size = 0}, x, x) == "[vmap] expected a chunk_size of 1 or more, got 0");
  CHECK(said({}, ones({0, 4}), ones({0, 4})) ==
        "[vmap] expected at least one sample, got a tensor of shape [0, 4]");
  CHECK(message_of([&] {
          func::vmap([](const Tensor& a) { return a.view({5}); })(x);
        }).starts_with("[view] expected"));
}

TEST_CASE("what leaves vmap on another way than as a result is refused") {
  Tensor out;
  func::vmap([&](const Tensor& a) { return out = a; })(ones({3, 4}));
  CHECK(message_of([&] { out + 1; }) ==
        "[add] expected a tensor of a vmap that runs, got one that has left it\n"
        "help: let the function return it");
  CHECK(message_of([&] {
          func::vmap([&](const Tensor& a) { return a + out; })(ones({3, 4}));
        }).starts_with("[add] expected a tensor of a vmap that runs"));
  CHECK(message_of([&] {
          func::vmap(func::grad([&](const Tensor& a) { return (a + out).sum(); }))(ones({3, 4}));
        }).starts_with("[add] expected a tensor of a vmap that runs"));
  CHECK(message_of([&] { out.item(); }).starts_with("[item] expected a tensor of its own"));
  CHECK(fmt::format("{}", out).starts_with(
      "a tensor of shape [4] inside vmap, of all samples: tensor("));
}
