#include "reel/autograd/state_dict.h"

#include <algorithm>

#include "reel/base/fail.h"

namespace reel {

StateDict::StateDict(std::initializer_list<std::pair<std::string, Tensor>> entries) {
  for (const auto& [name, tensor] : entries) {
    check(!contains(name), "StateDict", "expected each name once, got \"{}\" twice", name);
    entries_.emplace_back(name, tensor);
  }
}

NamedTensors::const_iterator StateDict::find(std::string_view name) const {
  return std::find_if(begin(), end(), [&](const auto& entry) { return entry.first == name; });
}

Tensor& StateDict::operator[](std::string_view name) {
  const auto found = find(name);
  if (found != end()) return entries_[static_cast<std::size_t>(found - begin())].second;
  return entries_.emplace_back(name, Tensor()).second;
}

const Tensor& StateDict::at(std::string_view name) const {
  const auto found = find(name);
  if (found == end()) {
    constexpr std::size_t shown = 8;
    std::string names;
    for (std::size_t i = 0; i < std::min(size(), shown); ++i)
      names += (i == 0 ? "" : ", ") + entries_[i].first;
    if (size() > shown) names += ", ...";
    fail("state_dict", "expected an entry \"{}\", got {} entries: {}", name, size(), names);
  }
  return found->second;
}

bool StateDict::erase(std::string_view name) {
  const auto found = find(name);
  if (found == end()) return false;
  entries_.erase(found);
  return true;
}

}  // namespace reel
