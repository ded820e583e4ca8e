#include "reel/autograd/state_dict.h"

#include <doctest/doctest.h>

#include "reel/ops/create/create.h"

using namespace reel;

TEST_CASE("a state dict keeps the order in which names came") {
  StateDict state{{"b", ones({1})}, {"a", zeros({2})}};
  state["c"] = ones({3});
  state["b"] = ones({4});
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state) names.push_back(name);
  CHECK(names == std::vector<std::string>{"b", "a", "c"});
  CHECK(state.at("b").shape() == Shape{4});
  CHECK(state.contains("a"));
  CHECK(state.erase("a"));
  CHECK_FALSE(state.erase("a"));
  CHECK_FALSE(state.contains("a"));
  CHECK(state.size() == 2);
  CHECK(StateDict().empty());
}

TEST_CASE("a name that is not there is an error that shows those that are") {
  const StateDict state{{"fc1.weight", ones({1})}, {"fc1.bias", ones({1})}};
  CHECK_THROWS_WITH_AS(
      state.at("fc.weight"),
      "[state_dict] expected an entry \"fc.weight\", got 2 entries: fc1.weight, fc1.bias", Error);
}

TEST_CASE("braces that name an entry twice are an error") {
  CHECK_THROWS_WITH_AS((StateDict{{"a", ones({1})}, {"b", ones({1})}, {"a", zeros({1})}}),
                       "[StateDict] expected each name once, got \"a\" twice", Error);
}
