#include "reel/nn/named_parameters.h"

#include <algorithm>

#include "reel/base/fail.h"

namespace reel::nn {
namespace {

template <class Entries>
auto find(Entries& entries, std::string_view name) {
  return std::find_if(entries.begin(), entries.end(),
                      [&](const auto& entry) { return entry.first == name; });
}

template <class Entries>
auto& get(Entries& entries, std::string_view name) {
  const auto found = find(entries, name);
  if (found == entries.end()) {
    std::string names;
    for (const auto& entry : entries) names += (names.empty() ? "" : ", ") + entry.first;
    fail("NamedParameters", "expected the name of a parameter ({}), got \"{}\"", names, name);
  }
  return found->second;
}

}  // namespace

void NamedParameters::push_back(std::string name, const Tensor& values) {
  check(find(entries_, name) == entries_.end(), "NamedParameters",
        "expected a new name, got \"{}\" again", name);
  entries_.emplace_back(std::move(name), values);
}

const Parameter& NamedParameters::operator[](std::string_view name) const {
  return get(entries_, name);
}

Parameter& NamedParameters::operator[](std::string_view name) { return get(entries_, name); }

}  // namespace reel::nn
