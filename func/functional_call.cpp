#include "reel/func/functional_call.h"

#include <string_view>

#include "reel/base/fail.h"

namespace reel::func::detail {

Substitution substitution(const NamedTensors& own, const NamedTensors& state) {
  constexpr const char* op = "functional_call";
  std::unordered_map<std::string_view, Tensor> by_name(own.begin(), own.end());
  std::unordered_map<const void*, Tensor> given;
  for (const auto& [name, tensor] : state) {
    const auto found = by_name.find(name);
    check(found != by_name.end(), op, "expected names that the module has, got \"{}\"", name);
    const Tensor& original = found->second;
    check(tensor.defined() && tensor.shape() == original.shape(), op,
          "expected a tensor of shape {} for \"{}\", got {}", original.shape(), name,
          tensor.defined() ? fmt::format("{}", tensor.shape()) : "an undefined one");
    const auto [place, is_new] = given.emplace(original.get(), tensor);
    check(is_new || place->second.is_same(tensor), op,
          "expected one tensor for \"{}\" and the other names of what it shares, got two\n"
          "help: erase all but one of them from the state",
          name);
  }
  return Substitution(std::move(given));
}

}  // namespace reel::func::detail
