#pragma once

#include <span>
#include <vector>

#include "reel/optim/optimizer.h"

namespace reel::optim {
namespace detail {

/// What a rule and its optimizer say to each other of a buffer before a step.
struct Buffer {
  bool is_new = false;  ///< whether this is the first step that uses it; it then holds zeros
  bool used = true;     ///< whether this step uses it; one that is not used keeps what it holds
};

}  // namespace detail

/// An optimizer that does the same to each number of a parameter, as `Rule` says. What a rule is:
/// ```cpp
/// struct MomentumRule {
///   static constexpr const char* name = "Momentum";
///   using Options = MomentumOptions;
///   template <class T>
///   struct State {  // what is kept for a parameter, under PyTorch's names
///     T velocity;   // a number is a double
///   };
///   double lr, keep;
///
///   // Before a step (1 is the first): what does not change along the parameter, in double.
///   MomentumRule(const Options& o, double step, State<detail::Buffer>& state);
///
///   // For each number: p moves by its gradient g, in place. N counts like a float or double.
///   template <class N>
///   void operator()(N& p, N g, State<N>& state) const {
///     state.velocity = keep * state.velocity + g;
///     p -= lr * state.velocity;
///   }
/// };
/// ```
/// The formula is compiled for each instruction set, with a register of numbers at a time: its name
/// stands in elementwise.cpp and in simd/rules.cpp. Options that have a switch `maximize` need
/// nothing in the rule: g then has the other sign.
///
/// A saved state must hold what the default options keep.
template <class Rule>
class Elementwise final : public GroupedOptimizer<typename Rule::Options> {
  using Base = GroupedOptimizer<typename Rule::Options>;

 public:
  /// The rule's: `AdamOptions`, say.
  using Options = typename Rule::Options;
  /// Parameters and their options.
  using Group = ParameterGroup<Options>;
  using Base::Base;

  /// One group. Throws unless `parameters` are leaves that require grad, at least one and none of
  /// them twice.
  explicit Elementwise(const std::vector<Tensor>& parameters, const Options& options = {})
      : Elementwise(std::vector<Group>{{parameters, options}}) {}
  /// Groups with options of their own, at least one; of their parameters as above.
  explicit Elementwise(const std::vector<Group>& groups) : Base(Rule::name) {
    this->add_groups(groups);
  }

 private:
  void update(Size group, const Optimizer::Update& update) override;
  std::span<const Optimizer::StateField> state_fields() const override;
};

}  // namespace reel::optim
