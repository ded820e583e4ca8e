#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/state_dict.h"
#include "reel/autograd/tensor.h"
#include "reel/optim/options.h"

namespace reel::optim {

/// Parameters that are trained with the same options.
template <class Options>
struct ParameterGroup {
  std::vector<Tensor> parameters;  ///< leaves that require grad
  Options options = {};            ///< which may be changed later; see `GroupedOptimizer::options`
};

namespace detail {
/// The shape of a number that is kept for each parameter.
REEL_API Shape number_shape(const Shape& parameter);
}  // namespace detail

/// What all optimizers have in common: groups of parameters, their state, saving and loading.
///
/// Options may be changed between steps; they are checked at the next. What an option that is
/// switched off has kept for a parameter (a momentum, say) stays as it is, and goes on from there
/// when it is switched on again; one that is switched on for the first time starts as in a first
/// step.
///
/// A new optimizer whose update is a formula for each number of a parameter is an
/// `Elementwise<Rule>` (`lion.h` is a short example). Any other derives from
/// `GroupedOptimizer<Options>`, says what it keeps for a parameter, and writes one `update`.
class REEL_API Optimizer {
 public:
  virtual ~Optimizer();

  /// Moves every parameter that has a gradient against it; the others stay as they are. Throws, and
  /// moves nothing, when options were changed to what the constructor would not take.
  void step();
  /// Calls `closure`, which clears the gradients, computes the loss, calls its `backward` and
  /// returns it, takes a step, and returns that loss. The closure is recorded, whoever calls.
  Tensor step(const std::function<Tensor()>& closure);
  /// Clears the gradients, so that the next `backward` starts anew.
  void zero_grad();

  /// How many groups there are.
  Size num_groups() const { return groups_; }
  /// The parameters of one group, in the order given.
  std::vector<Tensor> parameters(Size group = 0) const;
  /// The learning rate of one group.
  double lr(Size group = 0) const;
  /// Sets the learning rate of all groups. Throws, and sets none, unless it is finite and at least
  /// 0.
  void set_lr(double lr);
  /// Sets the learning rate of one group. Throws unless it is finite and at least 0.
  void set_lr(Size group, double lr);

  /// One option by its name in `state_dict`: "lr", "betas.0", "nesterov" (0 or 1). Throws for a
  /// name it does not have.
  double option(std::string_view name, Size group = 0) const;
  /// Sets an option of all groups. Throws, and sets none, unless the constructor would take it.
  void set_option(std::string_view name, double value);
  /// Sets an option of one group.
  void set_option(Size group, std::string_view name, double value);
  /// Whether `option` knows the name.
  bool has_option(std::string_view name) const;

  /// What the optimizer is called: "Adam".
  const char* name() const { return name_; }

  /// Everything `step` needs to go on as if never interrupted: `state.0.exp_avg`, `state.0.step`,
  /// `param_groups.0.lr`, in this order; numbers are 0-d float64 tensors. The parameters themselves
  /// are in the module's `state_dict`.
  StateDict state_dict() const;
  /// Takes over a copy of what `state_dict` of an optimizer of the same kind and groups gave, its
  /// options included. Throws, and changes nothing, when entries are missing, unknown, of another
  /// shape, or hold what the constructor would not take.
  void load_state_dict(const StateDict& state);

 protected:
  /// A tensor that is kept for each parameter.
  struct StateField {
    std::string_view name;  ///< as PyTorch calls it
    bool required = true;   ///< whether a saved state always has it
    /// Its shape for a parameter of some shape, where that is another than the parameter's.
    Shape (*shape)(const Shape& parameter) = nullptr;
  };

  /// One parameter on its way through a step. All tensors have the same dense memory order, so that
  /// an update may treat them as arrays of `parameter.numel()` neighbours.
  struct REEL_API Update {
    const Tensor& parameter;  ///< to be changed in place
    const Tensor& gradient;   ///< not to be changed; `maximize` has not turned it
    Size step;                ///< 1 in the first
    /// What is kept, in the order of `state_fields()`; undefined until an update sets it.
    std::vector<Tensor>& state;

    /// A tensor like the parameter; zeros when asked for the first time.
    const Tensor& buffer(std::size_t field) const;
    /// A number, kept as a 0-d float64 tensor; `start` until it is set.
    double number(std::size_t field, double start) const;
    /// Keeps a number for the next step.
    void set_number(std::size_t field, double value) const;
  };

  /// An option, as a number, under its name in `state_dict`.
  struct NamedNumber {
    std::string name;        ///< `"lr"`, `"betas.0"`
    double value;            ///< NaN for an option that is none
    bool is_switch = false;  ///< a bool, which is off where a saved state lacks it
  };

  /// The entries of a state dict on their way into an optimizer.
  class Entries;

  /// Of no groups yet. `name` is what errors begin with; it is kept as a pointer.
  explicit Optimizer(const char* name) : name_(name) {}
  Optimizer(Optimizer&&) = default;
  Optimizer& operator=(Optimizer&&) = default;

  /// Takes a step with the gradients that are there. Nothing is recorded, the options are checked.
  virtual void take_step();
  /// `step(closure)`.
  virtual Tensor take_step(const std::function<Tensor()>& closure);
  /// Changes one parameter in place.
  virtual void update(Size group, const Update& update) = 0;
  /// All that any options may have kept for a parameter.
  virtual std::span<const StateField> state_fields() const = 0;
  /// Throws for a parameter that the optimizer cannot train; `at` says which it is.
  virtual void check_parameter(const Tensor& parameter, const std::string& at) const;
  /// What is kept, into a state dict.
  virtual void save_state(StateDict& state) const;
  /// Reads what `save_state` wrote. Returns what puts it in place, and cannot throw.
  virtual std::function<void()> read_state(Entries& entries);

  /// All options of a group, in the order of their fields.
  virtual std::vector<NamedNumber> option_numbers(Size group) const = 0;
  /// Takes what `option_numbers` gives. Throws in the name of `op` for one that its type
  /// cannot hold; what was set before that stays.
  virtual void set_option_numbers(Size group, const std::vector<NamedNumber>& numbers,
                                  const char* op) = 0;
  /// Throws for options that cannot work.
  virtual void check_options(Size group) const = 0;

  /// Checks and appends one group. Throws unless it holds leaves that require grad, none of them
  /// twice.
  void add_parameters(const std::vector<Tensor>& parameters);
  /// Throws for a group that does not exist.
  void check_group(Size group) const;

 private:
  struct Slot {
    Tensor parameter;
    Size group;
    Size steps = 0;
    std::vector<Tensor> state = {};
  };
  using AllOptions = std::vector<std::vector<NamedNumber>>;  // of all groups

  void check_all_options() const;
  void step(Slot& slot, const Tensor& gradient);
  AllOptions all_options() const;
  void set_options(const AllOptions& options, const char* op);
  double& number_in(AllOptions& options, Size group, std::string_view option) const;

  friend class LRScheduler;

  const char* name_;
  Size groups_ = 0;
  std::vector<Slot> slots_;
  std::vector<double> initial_lrs_;  // of the groups, before the first schedule; kept by schedules
};

/// The part of an optimizer that knows its options' type. `Options` is an aggregate of numbers,
/// pairs of them, switches and enums, with a member `lr` and a function `check(must)` that tells
/// its `Limits` what they can be. An optimizer inherits the constructors, which tell wrong calls
/// from those it has itself.
template <class Options>
class GroupedOptimizer : public Optimizer {
 public:
  /// Parameters and their options.
  using Group = ParameterGroup<Options>;

  /// Not from a module. (A tensor alone is left to the compiler: this constructor would make
  /// `SGD({weight})` ambiguous.)
  template <class P>
    requires(!std::convertible_to<const P&, std::vector<Tensor>> &&
             !std::convertible_to<const P&, std::vector<Group>> && !std::derived_from<P, Tensor> &&
             !std::same_as<P, Group> && !std::derived_from<P, Optimizer>)
  explicit GroupedOptimizer(const P&, const Options& = {}) : Optimizer("") {
    static_assert(sizeof(P) == 0,
                  "Reel: an optimizer takes parameters: nn::parameters(net), or a list of tensors, "
                  "{weight, bias}");
  }
  /// Not with a bare number.
  template <class P, class T>
    requires std::is_arithmetic_v<T>
  GroupedOptimizer(const P&, T) : Optimizer("") {
    static_assert(sizeof(T) == 0, "Reel: options of an optimizer have names: write {.lr = 0.1}");
  }

  /// The options of one group, which may be changed between steps. Throws for a group that does not
  /// exist.
  Options& options(Size group = 0) {
    check_group(group);
    return options_of(group);
  }
  /// The same, to read.
  const Options& options(Size group = 0) const {
    check_group(group);
    return options_of(group);
  }

  /// Trains more parameters from now on. Throws for bad options, and unless the group holds leaves
  /// that require grad, none of them there already.
  void add_param_group(const Group& group) {
    options_.push_back(group.options);
    try {
      check_options(num_groups());
      add_parameters(group.parameters);
    } catch (...) {
      options_.pop_back();
      throw;
    }
  }

 protected:
  /// Of no groups yet: `add_groups` follows. `name` is what errors begin with.
  explicit GroupedOptimizer(const char* name) : Optimizer(name) {}

  /// What a constructor does with its groups. Throws when there are none.
  void add_groups(const std::vector<Group>& groups) {
    if (groups.empty()) detail::throw_no_groups(name());
    for (const Group& group : groups) add_param_group(group);
  }

  /// `options` for a group that is known to be there, or about to be.
  Options& options_of(Size group) { return options_[static_cast<std::size_t>(group)]; }
  /// The same, to read.
  const Options& options_of(Size group) const { return options_[static_cast<std::size_t>(group)]; }

  /// The fields of `Options`, a pair or an array as several.
  std::vector<NamedNumber> option_numbers(Size group) const override {
    std::vector<NamedNumber> numbers;
    detail::visit_numbers(options_of(group), [&](const std::string& name, const auto& option) {
      constexpr bool is_switch = std::is_same_v<decltype(option), const bool&>;
      numbers.push_back({name, detail::to_number(option), is_switch});
    });
    return numbers;
  }
  /// The numbers must be all, in the order in which `option_numbers` gives them.
  void set_option_numbers(Size group, const std::vector<NamedNumber>& numbers,
                          const char* op) override {
    auto next = numbers.begin();
    detail::visit_numbers(options_of(group), [&](const std::string& name, auto& option) {
      detail::set_from_number(option, (next++)->value, {op, group}, name);
    });
  }
  /// Calls `Options::check`.
  void check_options(Size group) const override {
    const Options& options = options_of(group);
    options.check(Limits<Options>(name(), options));
  }

 private:
  std::vector<Options> options_;
};

}  // namespace reel::optim
