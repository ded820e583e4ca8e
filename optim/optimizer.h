#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/state_dict.h"
#include "reel/autograd/tensor.h"

namespace reel::optim {

/// Parameters that are trained with the same options.
template <class Options>
struct ParameterGroup {
  std::vector<Tensor> parameters;
  Options options = {};
};

/// A tensor that an optimizer keeps for each parameter, in its shape.
struct BufferKind {
  const char* name;       ///< as PyTorch calls it
  bool optional = false;  ///< whether some options do without it
};

/// What all optimizers have in common: groups of parameters, their state, saving and loading.
///
/// Options may be changed between steps; they are checked at the next. What an option that is
/// switched off has kept for a parameter (a momentum, say) stays as it is, and goes on from there
/// when it is switched on again; one that is switched on for the first time starts as in a first
/// step.
///
/// A new optimizer derives from `GroupedOptimizer<Options>`, says what its options and buffers are
/// called, and writes one `update`; `sgd.cpp` is the shortest example.
class REEL_API Optimizer {
 public:
  virtual ~Optimizer();

  /// Moves every parameter that has a gradient against it; the others stay as they are. Throws, and
  /// moves nothing, when options were changed to what the constructor would not take.
  void step();
  /// Clears the gradients, so that the next `backward` starts anew.
  void zero_grad();

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

  /// Everything `step` needs to go on as if never interrupted: `state.0.exp_avg`, `state.0.step`,
  /// `param_groups.0.lr`, in this order; numbers are 0-d float64 tensors. The parameters themselves
  /// are in the module's `state_dict`.
  StateDict state_dict() const;
  /// Takes over a copy of what `state_dict` of an optimizer of the same kind and groups gave, its
  /// options included. Throws, and changes nothing, when entries are missing, unknown, of another
  /// shape, or hold what the constructor would not take.
  void load_state_dict(const StateDict& state);

 protected:
  /// One parameter on its way through a step. All tensors have the same dense memory order, so that
  /// an update may treat them as arrays of `parameter.numel()` neighbours.
  struct REEL_API Update {
    const Tensor& parameter;
    const Tensor& gradient;
    Size step;  ///< 1 in the first
    std::vector<Tensor>& buffers;

    /// Whether an earlier step has asked for this buffer. `kind`: its place in `buffer_kinds()`.
    bool has_buffer(std::size_t kind) const { return buffers[kind].defined(); }
    /// The buffer; zeros when asked for the first time.
    const Tensor& buffer(std::size_t kind) const;
  };
  /// Is shown the options of a group one by one, and may change them.
  using OptionVisitor = std::function<void(const char* name, double& value)>;

  explicit Optimizer(const char* name) : name_(name) {}
  Optimizer(Optimizer&&) = default;
  Optimizer& operator=(Optimizer&&) = default;

  /// Changes one parameter in place; nothing is recorded.
  virtual void update(Size group, const Update& update) = 0;
  /// All buffers that any options may ask for.
  virtual std::span<const BufferKind> buffer_kinds() const = 0;
  virtual void visit_options(Size group, const OptionVisitor& visit) = 0;
  /// Throws for options that cannot work.
  virtual void check_options(Size group) const = 0;

  /// Checks and appends one group. Throws unless it holds leaves that require grad, none of them
  /// twice.
  void add_parameters(const std::vector<Tensor>& parameters);
  void check_group(Size group) const;
  const char* name() const { return name_; }

 private:
  struct Slot {
    Tensor parameter;
    Size group;
    Size steps = 0;
    std::vector<Tensor> buffers = {};  // one for each kind; undefined until an update asks for it
  };
  void step(Slot& slot, const Tensor& gradient);
  template <class Visit>
  void for_each_option(const Visit& visit) const;
  std::vector<double> option_values() const;
  void set_options(const std::vector<double>& values);

  const char* name_;
  Size groups_ = 0;
  std::vector<Slot> slots_;
};

/// The part of an optimizer that knows its options' type. `Options` is an aggregate with a member
/// `lr`. An optimizer inherits its constructors, which tell wrong calls from those it has itself.
template <class Options>
class GroupedOptimizer : public Optimizer {
 public:
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
  explicit GroupedOptimizer(const char* name) : Optimizer(name) {}

  /// `options` for a group that is known to be there, or about to be.
  Options& options_of(Size group) { return options_[static_cast<std::size_t>(group)]; }
  const Options& options_of(Size group) const { return options_[static_cast<std::size_t>(group)]; }

 private:
  std::vector<Options> options_;
};

}  // namespace reel::optim
