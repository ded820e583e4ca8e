#include "reel/train/callback.h"

#include <cstddef>
#include <string>

#include "reel/base/fail.h"

namespace reel::train {
namespace {

constexpr const char* loading = "load_state_dict";

}  // namespace

void Callback::load_state_dict(const StateDict& state) const {
  if (load_) return load_(state);
  check(state.empty(), loading, "expected no state for a callback that keeps none, got \"{}\"",
        state.empty() ? "" : state.begin()->first);
}

StateDict state_dict(const std::vector<Callback>& callbacks) {
  StateDict all;
  for (std::size_t i = 0; i < callbacks.size(); ++i) {
    for (const auto& [name, tensor] : callbacks[i].state_dict()) {
      all[fmt::format("{}.{}", i, name)] = tensor;
    }
  }
  return all;
}

void load_state_dict(const std::vector<Callback>& callbacks, const StateDict& state) {
  std::vector<StateDict> each(callbacks.size());
  for (const auto& [name, tensor] : state) {
    const std::string number = name.substr(0, name.find('.'));
    std::size_t i = 0;
    while (i < each.size() && std::to_string(i) != number) ++i;
    check(i < each.size() && number.size() < name.size(), loading,
          "expected states of {} callbacks, got \"{}\"", each.size(), name);
    each[i][name.substr(number.size() + 1)] = tensor;
  }
  for (std::size_t i = 0; i < each.size(); ++i) callbacks[i].load_state_dict(each[i]);
}

}  // namespace reel::train
