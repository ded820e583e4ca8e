#include "reel/nn/module.h"

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reel/nn/batch_norm.h"
#include "reel/nn/dropout.h"
#include "reel/nn/init.h"
#include "reel/nn/linear.h"
#include "reel/nn/sequential.h"
#include "reel/ops/shape/view.h"
#include "support/compare.h"
#include "support/layer_check.h"

using namespace reel;

namespace {

using testing::layer::names;

struct Classifier {
  Size hidden = 4;
  nn::Linear fc1{.in_features = 3, .out_features = hidden};
  nn::Linear fc2{.in_features = hidden, .out_features = 2};

  Tensor operator()(const Tensor& x) const { return fc2(relu(fc1(x))); }
};

struct Everything {
  nn::Linear plain{1, 1};
  std::vector<nn::Linear> tower{{1, 1}, {1, 1}};
  std::array<nn::Linear, 2> pair{nn::Linear{1, 1}, nn::Linear{1, 1}};
  std::map<std::string, nn::Linear> heads{{"cat", {1, 1}}, {"dog", {1, 1}}};
  std::map<int, nn::Linear> numbered{{7, {1, 1}}};
  std::optional<nn::Linear> absent;
  std::optional<nn::Linear> present = nn::Linear{1, 1};
  std::unique_ptr<nn::Linear> owned = std::make_unique<nn::Linear>(nn::Linear{1, 1});
  std::shared_ptr<nn::Linear> shared = std::make_shared<nn::Linear>(nn::Linear{1, 1});
  std::shared_ptr<nn::Linear> null;
  std::tuple<nn::Linear, nn::Dropout> both{nn::Linear{1, 1}, nn::Dropout{}};
  nn::Sequential sequence{nn::Linear{1, 1}, nn::Dropout{}};
  nn::AnyModule any = nn::Linear{1, 1};
  nn::Parameter scale = ones({1});
  nn::Buffer mean = zeros({1});
  Tensor scratch = zeros({5});
  std::function<Tensor(const Tensor&)> act = [](const Tensor& x) { return x; };
  Tensor (*function)(const Tensor&) = tanh;
  std::string name = "everything";
  const double rate = 0.5;
  std::vector<Size> sizes{1, 2};
  std::vector<bool> flags{true};
  Shape shape{2, 3};
  std::optional<Size> limit;
};

struct Node {
  nn::Linear value{1, 1, false};
  std::vector<Node> children;
};

class Hidden {
 public:
  explicit Hidden(Size size) : inner_{size, size} {}
  Tensor operator()(const Tensor& x) const { return inner_(x); }
  const nn::Linear& inner() const { return inner_; }

 private:
  nn::Linear inner_;
  nn::Parameter scales_[2] = {ones({1}), ones({1})};
  REEL_FIELDS(inner_, scales_)
};

struct Base {
  nn::Linear first{1, 1};
};
struct Derived : Base {
  nn::Linear second{1, 1};
  REEL_FIELDS(first, second)
};

struct Tied {
  nn::Linear encoder{.in_features = 2, .out_features = 2, .bias = false};
  nn::Linear decoder{.in_features = 2, .out_features = 2, .bias = false, .weight = encoder.weight};

  Tensor operator()(const Tensor& x) const { return decoder(encoder(x)); }
};

struct WithModes {
  nn::Linear fc{2, 2};
  nn::Dropout dropout{.p = 0.5};
  nn::BatchNorm1d norm{2};
};

}  // namespace

TEST_CASE("parameters of a plain struct are found in order of declaration") {
  const Classifier net{.hidden = 5};
  CHECK(names(nn::named_parameters(net)) ==
        std::vector<std::string>{"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"});
  CHECK(nn::parameters(net).size() == 4);
  CHECK(nn::num_parameters(net) == 3 * 5 + 5 + 5 * 2 + 2);
  CHECK(nn::parameters(net)[0].is_same(net.fc1.weight));
}

TEST_CASE("every ordinary kind of member is walked") {
  const Everything module;
  CHECK(names(nn::named_buffers(module)) == std::vector<std::string>{"mean"});
  std::vector<std::string> expected;
  for (const char* layer :
       {"plain", "tower.0", "tower.1", "pair.0", "pair.1", "heads.cat", "heads.dog", "numbered.7",
        "present", "owned", "shared", "both.0", "sequence.0", "any"})
    for (const char* part : {".weight", ".bias"}) expected.push_back(std::string(layer) + part);
  expected.push_back("scale");
  CHECK(names(nn::named_parameters(module)) == expected);
  CHECK(nn::state_dict(module).size() == expected.size() + 1);
}

TEST_CASE("recursive structs are walked") {
  Node root;
  root.children.resize(2);
  root.children[1].children.resize(1);
  CHECK(names(nn::named_parameters(root)) ==
        std::vector<std::string>{"value.weight", "children.0.value.weight",
                                 "children.1.value.weight", "children.1.children.0.value.weight"});
  CHECK(nn::num_parameters(nn::clone(root)) == 4);
}

TEST_CASE("listed fields are walked: private ones, inherited ones, C arrays") {
  const Hidden hidden(2);
  CHECK(names(nn::named_parameters(hidden)) ==
        std::vector<std::string>{"inner_.weight", "inner_.bias", "scales_.0", "scales_.1"});
  CHECK(names(nn::named_parameters(Derived{})) ==
        std::vector<std::string>{"first.weight", "first.bias", "second.weight", "second.bias"});

  const Hidden copy = nn::clone(hidden);
  CHECK_FALSE(copy.inner().weight.is_same(hidden.inner().weight));
  CHECK(testing::same(copy.inner().weight, hidden.inner().weight));
  CHECK_FALSE(nn::parameters(copy)[2].is_same(nn::parameters(hidden)[2]));
}

TEST_CASE("containers of modules are modules too") {
  std::vector<nn::Linear> layers{{1, 2}, {2, 1}};
  CHECK(names(nn::named_parameters(layers)) ==
        std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias"});
  nn::eval(layers);
  CHECK(nn::state_dict(nn::clone(layers)).size() == 4);
}

TEST_CASE("a tensor that requires a gradient must be declared a parameter") {
  struct Forgot {
    nn::Linear fc{1, 1};
    Tensor scale = ones({1}, {.requires_grad = true});
  };
  CHECK_THROWS_WITH_AS(
      nn::parameters(Forgot{}),
      doctest::Contains("[parameters] expected scale to be an nn::Parameter, because "
                        "it requires a gradient, got a Tensor"),
      Error);
}

TEST_CASE("tied parameters count once and are saved under both names") {
  const Tied net;
  CHECK(names(nn::named_parameters(net)) == std::vector<std::string>{"encoder.weight"});
  CHECK(nn::num_parameters(net) == 4);
  const StateDict state = nn::state_dict(net);
  CHECK(state.size() == 2);
  CHECK(state.contains("encoder.weight"));
  CHECK(state.contains("decoder.weight"));
}

TEST_CASE("tied parameters stay tied in a clone, and apart from the original's") {
  const Tied net;
  const Tied copy = nn::clone(net);
  CHECK(copy.encoder.weight.is_same(copy.decoder.weight));
  CHECK_FALSE(copy.encoder.weight.is_same(net.encoder.weight));
  nn::init::zeros_(copy.encoder.weight);
  CHECK_FALSE(testing::same(net.encoder.weight, zeros({2, 2})));
}

TEST_CASE("a clone shares nothing, whatever holds the layers") {
  const Everything module;
  const Everything copy = nn::clone(module);
  const StateDict before = nn::state_dict(module);
  const StateDict after = nn::state_dict(copy);
  REQUIRE(before.size() == after.size());
  auto copied = after.begin();
  for (const auto& original : before) {
    CAPTURE(original.first);
    CHECK(copied->first == original.first);
    CHECK(testing::same(copied->second, original.second));
    CHECK(copied->second.data_ptr<float>() != original.second.data_ptr<float>());
    ++copied;
  }
  CHECK(copy.scratch.data_ptr<float>() != module.scratch.data_ptr<float>());
  CHECK(copy.shared != module.shared);
  CHECK(copy.null == nullptr);
  CHECK(copy.name == "everything");
  CHECK(copy.flags == module.flags);
}

TEST_CASE("a clone keeps what is frozen frozen and drops gradients") {
  Classifier net;
  nn::requires_grad_(net.fc1, false);
  net(ones({1, 3})).sum().backward();
  const Classifier copy = nn::clone(net);
  CHECK_FALSE(copy.fc1.weight.requires_grad());
  CHECK(copy.fc2.weight.requires_grad());
  CHECK_FALSE(copy.fc2.weight.grad().defined());
}

TEST_CASE("modules shared inside by pointer are shared inside the clone") {
  struct Twice {
    std::shared_ptr<nn::Linear> a = std::make_shared<nn::Linear>(nn::Linear{1, 1});
    std::shared_ptr<nn::Linear> b = a;
    nn::AnyModule c = nn::Linear{1, 1};
    nn::AnyModule d = c;
  };
  const Twice copy = nn::clone(Twice{});
  CHECK(copy.a == copy.b);
  CHECK(copy.c.as<nn::Linear>() == copy.d.as<nn::Linear>());
  CHECK(nn::parameters(copy).size() == 4);
}

TEST_CASE("the state of a module is outside the tape and shares its memory") {
  const Classifier net;
  const StateDict state = nn::state_dict(net);
  CHECK(names({state.begin(), state.end()}) ==
        std::vector<std::string>{"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"});
  CHECK_FALSE(state.at("fc1.weight").requires_grad());
  CHECK(state.at("fc1.weight").data_ptr<float>() == net.fc1.weight.data_ptr<float>());
}

TEST_CASE("a state is loaded into the module's own tensors") {
  Classifier from, to;
  const Tensor handle = to.fc1.weight;
  CHECK_FALSE(testing::same(to.fc1.weight, from.fc1.weight));
  const nn::LoadResult result = nn::load_state_dict(to, nn::state_dict(from));
  CHECK(result.missing.empty());
  CHECK(result.unexpected.empty());
  CHECK(testing::same(handle, from.fc1.weight));
  CHECK(handle.is_same(to.fc1.weight));
  CHECK(handle.requires_grad());
}

TEST_CASE("one error lists all that is wrong with a state, and nothing is loaded") {
  Classifier net;
  const Classifier before = nn::clone(net);
  StateDict state = nn::state_dict(nn::clone(net));
  for (const auto& [name, tensor] : state) tensor.zero_();
  state.erase("fc1.bias");
  state["fc3.weight"] = ones({1});
  state["fc2.weight"] = ones({2, 5});
  state["fc2.bias"] = ones({2}, {.dtype = float64});
  CHECK_THROWS_WITH_AS(nn::load_state_dict(net, state),
                       "[load_state_dict] expected the module's names, shapes and dtypes, got\n"
                       "  missing: fc1.bias\n"
                       "  unexpected: fc3.weight\n"
                       "  fc2.weight: expected float32 [2, 4], got float32 [2, 5]\n"
                       "  fc2.bias: expected float32 [2], got float64 [2]",
                       Error);
  CHECK(testing::same(net.fc1.weight, before.fc1.weight));
}

TEST_CASE("without strict, names may be missing and unexpected, but shapes must fit") {
  Classifier net;
  StateDict state{{"fc1.bias", ones({4})}, {"other", ones({1})}};
  CHECK_THROWS_WITH_AS(nn::load_state_dict(net, state),
                       doctest::Contains("help: {.strict = false}"), Error);
  const nn::LoadResult result = nn::load_state_dict(net, state, {.strict = false});
  CHECK(result.missing == std::vector<std::string>{"fc1.weight", "fc2.weight", "fc2.bias"});
  CHECK(result.unexpected == std::vector<std::string>{"other"});
  CHECK(testing::same(net.fc1.bias, ones({4})));

  state["fc1.bias"] = ones({3});
  CHECK_THROWS_AS(nn::load_state_dict(net, state, {.strict = false}), Error);
  state["fc1.bias"] = Tensor();
  CHECK_THROWS_WITH_AS(nn::load_state_dict(net, state, {.strict = false}),
                       doctest::Contains("fc1.bias: got an undefined tensor"), Error);
}

TEST_CASE("a module goes to evaluation and back with all layers inside") {
  WithModes module;
  CHECK(nn::is_training(module));
  nn::eval(module);
  CHECK_FALSE(module.dropout.training);
  CHECK_FALSE(module.norm.training);
  CHECK_FALSE(nn::is_training(module));
  nn::train(module);
  CHECK(module.dropout.training);
  CHECK(nn::is_training(nn::Linear{1, 1}));
}

TEST_CASE("EvalGuard gives each layer back the mode it had") {
  WithModes module;
  module.norm.training = false;
  {
    const nn::EvalGuard evaluation(module);
    CHECK_FALSE(nn::is_training(module));
  }
  CHECK(module.dropout.training);
  CHECK_FALSE(module.norm.training);
}

TEST_CASE("modes reach through pointers, containers and AnyModule") {
  Everything module;
  nn::AnyModule erased = nn::Dropout{};
  nn::eval(module);
  nn::eval(erased);
  CHECK_FALSE(std::get<1>(module.both).training);
  CHECK_FALSE(module.sequence.at<nn::Dropout>(1).training);
  CHECK_FALSE(erased.as<nn::Dropout>()->training);
}

TEST_CASE("a module can be frozen and its gradients cleared") {
  Classifier net;
  net(ones({1, 3})).sum().backward();
  CHECK(net.fc1.weight.grad().defined());
  nn::zero_grad(net);
  CHECK_FALSE(net.fc1.weight.grad().defined());

  nn::requires_grad_(net.fc1, false);
  net(ones({1, 3})).sum().backward();
  CHECK_FALSE(net.fc1.weight.grad().defined());
  CHECK(net.fc2.weight.grad().defined());
}

TEST_CASE("a module changes dtype in place, with its gradients, for all who hold its tensors") {
  Tied net;
  const Tensor handle = nn::parameters(net)[0];
  net(ones({1, 2})).sum().backward();
  const Tensor gradient = handle.grad();
  nn::to(net, float64);
  CHECK(handle.dtype() == float64);
  CHECK(net.decoder.weight.is_same(handle));
  CHECK(handle.requires_grad());
  CHECK(testing::same(handle.grad(), gradient.to(float64)));
  CHECK(net(ones({1, 2}, {.dtype = float64})).dtype() == float64);
  CHECK_THROWS_WITH_AS(nn::to(net, int64), "[to] expected a floating dtype for a module, got int64",
                       Error);

  nn::BatchNorm1d norm{2};
  nn::to(norm, float64);
  CHECK(norm.running_mean.dtype() == float64);
  CHECK(norm.num_batches_tracked.dtype() == int64);
}

TEST_CASE("apply calls a function with every layer of a type") {
  Everything module;
  int count = 0;
  nn::apply(module, [&](nn::Linear& layer) {
    ++count;
    nn::init::zeros_(layer.weight);
  });
  CHECK(count == 14);
  CHECK(testing::same(module.any.as<nn::Linear>()->weight, zeros({1, 1})));

  const int* none = nullptr;
  nn::apply(module, [&](const Classifier&) { none = &count; });
  CHECK(none == nullptr);
}

TEST_CASE("apply calls a function with every module, inner ones first") {
  Classifier net;
  std::vector<std::string> paths;
  nn::apply(net, [&](const nn::ModuleRef& module) { paths.emplace_back(module.path()); });
  CHECK(paths == std::vector<std::string>{"fc1", "fc2", ""});
}

TEST_CASE("nn::to and nn::clone leave tensors to reel::to and reel::clone") {
  const nn::Linear layer{1, 1};
  const Tensor converted = to(layer.weight, float64);
  CHECK(converted.dtype() == float64);
  CHECK(layer.weight.dtype() == float32);
}
