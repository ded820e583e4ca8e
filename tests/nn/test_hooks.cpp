#include "reel/nn/hooks.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "reel/train/fit.h"
#include "support/compare.h"
#include "support/hooked_modules.h"

using namespace reel;
using testing::Block;
using testing::Both;
using testing::close;
using testing::List;
using testing::message_of;
using testing::numbers;
using testing::same;

TEST_CASE("hooks run in the order in which they came, those of all modules first") {
  nn::Linear layer{4, 2};
  std::string order;
  nn::register_forward_pre_hook(layer, [&](const nn::Linear&, const Tensor&) { order += "c"; });
  nn::register_forward_pre_hook(layer, [&](const nn::Linear&, const Tensor&) { order += "d"; });
  nn::register_forward_hook(layer,
                            [&](const nn::Linear&, const Tensor&, const Tensor&) { order += "g"; });
  nn::register_forward_hook(layer,
                            [&](const nn::Linear&, const Tensor&, const Tensor&) { order += "h"; });
  HookHandle handles[] = {nn::register_module_forward_pre_hook(
                              [&](const nn::ModuleRef&, const List&) { order += "a"; }),
                          nn::register_module_forward_pre_hook(
                              [&](const nn::ModuleRef&, const List&) { order += "b"; }),
                          nn::register_module_forward_hook([&](const nn::ModuleRef&, const List&,
                                                               const List&) { order += "e"; }),
                          nn::register_module_forward_hook([&](const nn::ModuleRef&, const List&,
                                                               const List&) { order += "f"; })};
  layer(numbers({3, 4}));
  CHECK(order == "abcdefgh");
  for (HookHandle& handle : handles) handle.remove();
  layer(numbers({3, 4}));
  CHECK(order == "abcdefghcdgh");
}

TEST_CASE("hooks see the module, its input and its output, each what the one before has made") {
  nn::Linear layer{4, 4};
  const Tensor x = numbers({3, 4});
  nn::register_forward_pre_hook(layer, [&](nn::Linear& module, const Tensor& given) {
    CHECK(&module == &layer);
    CHECK(given.is_same(x));
    return given * 2;
  });
  nn::register_forward_pre_hook(layer, [&](const nn::Linear&, const Tensor& given) {
    CHECK(close(given, x * 2));
    return Tensor();  // which changes nothing
  });
  nn::register_forward_hook(layer,
                            [&](const nn::Linear& module, const Tensor& given, const Tensor& y) {
                              CHECK(&module == &layer);
                              CHECK(close(given, x * 2));
                              CHECK(close(y, linear(x * 2, layer.weight, layer.bias)));
                              return relu(y);
                            });
  nn::register_forward_hook(layer,
                            [&](const nn::ModuleRef& module, const List& in, const List& out) {
                              CHECK(module.as<nn::Linear>() == &layer);
                              CHECK(close(in.at(0), x * 2));
                              return List{out.at(0) + 1};
                            });
  CHECK(close(layer(x), 1 + relu(linear(x * 2, layer.weight, layer.bias))));
}

TEST_CASE("a handle takes its hook away, once and for all, and outlives its module") {
  std::optional<nn::ReLU> layer(std::in_place);
  int calls = 0;
  HookHandle handle = nn::register_forward_hook(
      *layer, [&](const nn::ReLU&, const Tensor&, const Tensor&) { ++calls; });
  nn::register_forward_hook(*layer,
                            [&](const nn::ReLU&, const Tensor&, const Tensor&) { calls += 10; });
  (*layer)(ones({2}));
  CHECK(calls == 11);
  handle.remove();
  handle.remove();
  (*layer)(ones({2}));
  CHECK(calls == 21);
  HookHandle late = nn::register_forward_pre_hook(*layer, [](const nn::ReLU&, const Tensor&) {});
  layer.reset();
  late.remove();
}

TEST_CASE("what hooks have captured goes with the module, or when they are removed") {
  auto captured = std::make_shared<int>(1);
  HookHandle handle;
  {
    nn::ReLU layer;
    handle = nn::register_forward_hook(
        layer, [captured](const nn::ReLU&, const Tensor&, const Tensor&) {});
    nn::register_full_backward_hook(layer,
                                    [captured](const nn::ReLU&, const Tensor&, const Tensor&) {});
    CHECK(captured.use_count() == 3);
    handle.remove();
    CHECK(captured.use_count() == 2);
    layer(ones({2}, {.requires_grad = true})).sum().backward();
  }
  CHECK(captured.use_count() == 1);
}

TEST_CASE("another module at the same place has none of the hooks") {
  int calls = 0;
  std::optional<nn::Linear> place(std::in_place, nn::Linear{2, 2});
  const nn::Linear same_parameters = *place;
  nn::register_forward_hook(*place,
                            [&](const nn::Linear&, const Tensor&, const Tensor&) { ++calls; });
  const nn::Linear* address = &*place;
  place.reset();
  place.emplace(same_parameters);
  REQUIRE(&*place == address);
  (*place)(ones({1, 2}));
  CHECK(calls == 0);
  nn::register_forward_hook(*place,
                            [&](const nn::Linear&, const Tensor&, const Tensor&) { ++calls; });
  *place = nn::Linear{2, 2};
  (*place)(ones({1, 2}));
  CHECK(calls == 0);
  nn::register_forward_hook(*place,
                            [&](const nn::Linear&, const Tensor&, const Tensor&) { ++calls; });
  *place = same_parameters;
  (*place)(ones({1, 2}));
  CHECK(calls == 0);
}

TEST_CASE("hooks go with modules that move: a vector that grows, erases, swaps and sorts") {
  std::vector<nn::Linear> layers;
  std::string order;
  for (const char name : {'a', 'b', 'c'}) {
    layers.push_back(nn::Linear{2, 2});
    nn::register_forward_hook(layers.back(), [&order, name](const nn::Linear&, const Tensor&,
                                                            const Tensor&) { order += name; });
  }
  layers.reserve(100);
  const auto run = [&] {
    order.clear();
    for (const nn::Linear& layer : layers) layer(ones({1, 2}));
    return order;
  };
  CHECK(run() == "abc");
  std::swap(layers[0], layers[2]);
  CHECK(run() == "cba");
  layers.erase(layers.begin());
  CHECK(run() == "ba");
  layers.insert(layers.begin(), layers[1]);  // a copy
  CHECK(run() == "ba");
  nn::Linear& itself = layers[1];
  layers[1] = itself;
  CHECK(run() == "ba");
}

TEST_CASE("a hook may remove itself, add others, and call its module, which then has none") {
  nn::Linear layer{2, 2};
  int calls = 0;
  HookHandle handle;
  handle = nn::register_forward_hook(layer, [&](const nn::Linear& module, const Tensor& x,
                                                const Tensor& y) {
    ++calls;
    handle.remove();
    nn::register_forward_pre_hook(layer, [&](const nn::Linear&, const Tensor&) { calls += 10; });
    CHECK(same(module(x), y));
  });
  layer(ones({1, 2}));
  CHECK(calls == 1);
  layer(ones({1, 2}));
  CHECK(calls == 11);
}

TEST_CASE("an exception in a hook leaves the call, and nothing behind") {
  nn::Sequential model{nn::Linear{2, 2}, nn::ReLU{}};
  const Tensor x = ones({1, 2});
  HookHandle before = nn::register_forward_pre_hook(
      model.at<nn::Linear>(0),
      [](const nn::Linear&, const Tensor& given) { (void)given.view({5}); });
  const std::string message = message_of([&] { model(x); });
  CHECK(message.find("\n  in 0 (Linear{in_features=2, out_features=2})") != std::string::npos);
  before.remove();
  HookHandle after = nn::register_forward_hook(
      model.at<nn::ReLU>(1), [](const nn::ReLU&, const Tensor&, const Tensor&) { throw 7; });
  CHECK_THROWS_AS(model(x), int);
  after.remove();
  CHECK(message_of([&] { (void)x.view({5}); }).find("\n  in ") == std::string::npos);
  CHECK(model(x).shape() == Shape{1, 2});
}

TEST_CASE("nested calls: the hooks of the inner module run inside those of the outer one") {
  Block block;
  std::string order;
  nn::register_forward_pre_hook(block, [&](const Block&, const Tensor&) { order += "("; });
  nn::register_forward_hook(block,
                            [&](const Block&, const Tensor&, const Tensor&) { order += ")"; });
  nn::register_forward_pre_hook(block.fc, [&](const nn::Linear&, const Tensor&) { order += "<"; });
  nn::register_forward_hook(block.fc,
                            [&](const nn::Linear&, const Tensor&, const Tensor&) { order += ">"; });
  nn::Sequential{std::move(block)}(numbers({2, 4}));
  CHECK(order == "(<>)");
}

TEST_CASE("hooks of modules whose inputs or outputs are structs or several") {
  const Tensor x = numbers({5, 2, 3});
  nn::LSTM lstm{3, 4};
  int typed = 0;
  nn::register_forward_hook(lstm,
                            [&](const nn::LSTM&, const Tensor& given, const nn::LSTMOutput& y) {
                              ++typed;
                              CHECK(given.is_same(x));
                              return nn::LSTMOutput{y.output * 2, y.state};
                            });
  nn::register_forward_hook(lstm, [&](const nn::LSTM&, const Tensor&, const nn::LSTMState& from,
                                      const nn::LSTMOutput&) { CHECK_FALSE(from.h.defined()); });
  nn::register_forward_pre_hook(
      lstm, [](const nn::LSTM&, const Tensor& given, const nn::LSTMState& from) {
        return std::tuple{given, from};
      });
  nn::LSTM plain = nn::clone(lstm);
  CHECK(close(lstm(x).output, 2 * plain(x).output));
  CHECK(typed == 1);
  nn::register_forward_hook(lstm, [](const nn::LSTM&, const List& in, const List& out) {
    CHECK(in.size() == 1);
    CHECK(out.size() == 3);
    return List{out[0] + 1, out[1], out[2]};
  });
  CHECK(close(lstm(x).output, 1 + 2 * plain(x).output));

  Both both;
  nn::register_forward_pre_hook(both,
                                [](const Both&, const Tensor& a, const Tensor& b, double scale) {
                                  return std::tuple{b, a, 10 * scale};
                                });
  nn::register_forward_hook(both, [](const Both&, const List&, const List& out) {
    return List{out[0] + 1, out[1]};
  });
  const Tensor a = numbers({2}), b = a + 3;
  CHECK(close(both(a, b, 1).sum, 10 * (a + b) + 1));
  CHECK(close(both(a, b, 1).product, 10 * a * b));
}

TEST_CASE("attention takes hooks of either way to call it, and lists for both") {
  nn::MultiheadAttention attention{.embed_dim = 4, .num_heads = 2};
  const Tensor x = numbers({3, 1, 4});
  int calls = 0;
  HookHandle one = nn::register_forward_hook(
      attention, [&](const nn::MultiheadAttention&, const Tensor&, const Tensor&) { ++calls; });
  attention(x);
  CHECK(calls == 1);
  CHECK(message_of([&] { attention(x, x, x); }) ==
        "[register_forward_hook] expected MultiheadAttention to be called with, and to return, the "
        "types that its hook takes, got others\n  in MultiheadAttention{embed_dim=4, "
        "num_heads=2}\nhelp: a hook for all ways to call it takes lists: (const "
        "MultiheadAttention&, const std::vector<Tensor>&, ...)");
  one.remove();
  nn::register_forward_hook(attention,
                            [&](const nn::MultiheadAttention&, const List& in, const List&) {
                              calls += 10 * static_cast<int>(in.size());
                            });
  attention(x, x, x);
  attention(x);
  CHECK(calls == 41);
}

TEST_CASE("a network of layers takes hooks by AnyModule, whatever stands there") {
  struct Plain {
    nn::Linear fc{2, 2};
    Tensor operator()(const Tensor& x) const { return fc(x); }
  };
  nn::Sequential model{nn::Linear{2, 2}, Plain{}, [](const Tensor& x) { return x * 2; }};
  std::vector<std::string> seen;
  for (nn::AnyModule& layer : model)
    nn::register_forward_hook(layer,
                              [&](const nn::ModuleRef& module, const Tensor&, const Tensor& y) {
                                seen.push_back(std::string(module.type_name()));
                                return y + 0;
                              });
  nn::register_forward_hook(
      model, [&](const nn::Sequential&, const Tensor&, const Tensor&) { seen.push_back("all"); });
  model(ones({1, 2}));
  REQUIRE(seen.size() == 4);
  CHECK(seen[0].find("Linear") != std::string::npos);
  CHECK(seen[1].find("Plain") != std::string::npos);
  CHECK(seen[3] == "all");
  nn::Sequential shares = model;  // the layers, but not the hooks of the whole
  shares(ones({1, 2}));
  CHECK(seen.size() == 7);
  nn::clone(model)(ones({1, 2}));
  CHECK(seen.size() == 7);
}

TEST_CASE("layers that run as one op run one by one when one of them has hooks") {
  nn::Sequential model{nn::Conv2d{1, 2, 3}, nn::ReLU{}, nn::MaxPool2d{2}};
  const Tensor x = numbers({1, 1, 6, 6}), plain = model(x);
  int calls = 0;
  const auto count = [&](const nn::ModuleRef&, const Tensor&, const Tensor&) { ++calls; };
  for (Size i = 0; i < 3; ++i) {
    HookHandle handle = nn::register_forward_hook(model[i], count);
    CHECK(close(model(x), plain));
    handle.remove();
  }
  CHECK(calls == 3);
}

TEST_CASE("activation statistics of every layer, by name") {
  struct Net {
    nn::Sequential body{nn::Linear{4, 8}, nn::ReLU{}};
    nn::Linear head{8, 2};
    Tensor operator()(const Tensor& x) const { return head(body(x)); }
  };
  Net net;
  std::vector<std::string> names;
  std::vector<HookHandle> handles;
  nn::apply(net, [&](const nn::ModuleRef& module) {
    if (module.hooks() == nullptr) return;  // Net has no field for them
    handles.push_back(nn::register_forward_hook(
        module, [&, name = std::string(module.path())](const nn::ModuleRef&, const List&,
                                                       const List& outputs) {
          names.push_back(name + " " + to_string(outputs[0].shape()));
        }));
  });
  net(numbers({3, 4}));
  CHECK(names ==
        std::vector<std::string>{"body.0 [3, 8]", "body.1 [3, 8]", "body [3, 8]", "head [3, 2]"});
  for (HookHandle& handle : handles) handle.remove();
  net(numbers({3, 4}));
  CHECK(names.size() == 4);
  CHECK(message_of([&] {
          nn::apply(net, [](const nn::ModuleRef& module) {
            nn::register_forward_hook(module,
                                      [](const nn::ModuleRef&, const List&, const List&) {});
          });
        }) ==
        "[register_forward_hook] expected a module with a field nn::Hooks hooks, got Net\n"
        "help: give it one, and an operator() that goes through nn::call");
}

TEST_CASE("fit and summary call hooks; a summary shows what the module itself returns") {
  struct Net {
    nn::Linear fc{4, 2};
    nn::Hooks hooks = {};
    Tensor operator()(const Tensor& x) const { return fc(x); }
  };
  Net net;
  int calls = 0;
  nn::register_forward_hook(net, [&](const Net&, const Tensor&, const Tensor& y) {
    ++calls;
    return flatten(y);
  });
  CHECK(nn::summary(net, numbers({3, 4})).find("Net -> [3, 2]") != std::string::npos);
  CHECK(calls == 1);
  Net other;
  nn::register_forward_hook(other, [&](const Net&, const Tensor&, const Tensor&) { ++calls; });
  train::fit(other, numbers({6, 4}), zeros({6}, {.dtype = int64}),
             {.epochs = 1, .batch_size = 3, .verbose = train::Verbose::none});
  CHECK(calls == 3);
}

TEST_CASE("outputs and inputs that a hook may not return") {
  nn::ReLU layer;
  HookHandle handle = nn::register_forward_hook(
      layer, [](const nn::ReLU&, const List&, const List&) { return List(); });
  CHECK(message_of([&] { layer(ones({1})); }) ==
        "[register_forward_hook] expected a hook to return as many tensors as it was given, which "
        "is 1, got 0\n  in ReLU");
  handle.remove();
  nn::register_forward_pre_hook(layer, [](const nn::ReLU&, const List&) { return List{Tensor()}; });
  CHECK(message_of([&] { layer(ones({1})); }) ==
        "[register_forward_pre_hook] expected a hook to return tensors, got an undefined one at "
        "0\n  in ReLU");
}

TEST_CASE("hooks of a derived class or of a part that was called are told apart") {
  struct Wide : nn::ReLU {
    REEL_FIELDS(hooks)
  };
  Wide wide;
  nn::register_forward_hook(wide, [](const Wide&, const Tensor&, const Tensor&) {});
  CHECK(message_of([&] { wide(ones({1})); }) ==
        "[call] expected the module that its hooks were registered on, got the ReLU inside it\n"
        "  in ReLU\nhelp: register them on that");
}
