#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reel/nn/detail/deep_copy.h"
#include "reel/nn/detail/walk.h"
#include "reel/nn/parameter.h"

namespace reel::nn {

/// Parameters whose names are made at run time, as the `weight_ih_l0`, `weight_ih_l1`, ... of an
/// `LSTM`. In the module that holds them they appear as if each were a field of it. Follows
/// `torch.nn.Module.register_parameter`.
///
/// **Example**
/// ```cpp
/// struct Mix {
///   nn::NamedParameters weights = {{"low", ones({1})}, {"high", ones({1})}};
///   Tensor operator()(const Tensor& x) const { return weights["low"] * x; }
/// };
/// ```
class REEL_API NamedParameters {
 public:
  /// A name and what stands under it.
  using Entry = std::pair<std::string, Parameter>;

  NamedParameters() = default;
  /// Of entries in this order.
  NamedParameters(std::initializer_list<Entry> entries) : entries_(entries) {}

  /// Adds one behind the others. Throws when there is one of that name.
  void push_back(std::string name, const Tensor& values);

  /// The parameter of that name. Throws when there is none.
  const Parameter& operator[](std::string_view name) const;
  /// The same, to be replaced.
  Parameter& operator[](std::string_view name);
  /// The parameter at a place in order.
  const Parameter& operator[](std::size_t i) const { return entries_[i].second; }

  /// How many parameters there are.
  std::size_t size() const { return entries_.size(); }
  /// Whether there is none.
  bool empty() const { return entries_.empty(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

  using reel_self = NamedParameters;
  static constexpr bool reel_names_parts = true;
  static void reel_walk(const NamedParameters& self, detail::Visitor& visitor) {
    for (const auto& [name, parameter] : self.entries_)
      detail::walk_member(parameter, std::string_view(name), visitor);
  }
  static NamedParameters reel_copy(const NamedParameters& self, detail::CopyMemo& memo) {
    NamedParameters copy;
    for (const auto& [name, parameter] : self.entries_)
      copy.entries_.emplace_back(name, detail::deep_copy(parameter, memo));
    return copy;
  }

 private:
  std::vector<Entry> entries_;
};

}  // namespace reel::nn
