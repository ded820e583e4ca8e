#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel::optim {

/// What an optimizer saves: `state.0.exp_avg`, `state.0.step`, `param_groups.0.lr`, in this order;
/// numbers are 0-d float64 tensors. The parameters themselves are in the module's `state_dict`.
using StateDict = std::vector<std::pair<std::string, Tensor>>;

/// Parameters that are trained with the same options.
template <class Options>
struct ParameterGroup {
  std::vector<Tensor> parameters;
  Options options = {};
};

/// What all optimizers have in common: groups of parameters, their state, saving and loading.
///
/// A new optimizer derives from `GroupedOptimizer<Options>`, says what its options and buffers are
/// called, and writes one `update`; `sgd.cpp` is the shortest example.
class REEL_API Optimizer {
 public:
  virtual ~Optimizer();

  /// Moves every parameter that has a gradient against it; the others stay as they are.
  void step();
  /// Clears the gradients, so that the next `backward` starts anew.
  void zero_grad();

  Size num_groups() const { return groups_; }
  /// The parameters of one group, in the order given.
  std::vector<Tensor> parameters(Size group = 0) const;
  /// The learning rate of one group.
  double lr(Size group = 0) const;
  /// Sets the learning rate of all groups. Throws below 0.
  void set_lr(double lr);
  /// Sets the learning rate of one group. Throws below 0.
  void set_lr(Size group, double lr);

  /// Everything `step` needs to go on as if never interrupted.
  StateDict state_dict() const;
  /// Takes over a copy of what `state_dict` of an optimizer of the same kind and groups gave.
  /// Throws, and changes nothing, when entries are missing, unknown or of another shape.
  void load_state_dict(const StateDict& state);

 protected:
  /// One parameter on its way through a step. All tensors have the same dense memory order, so that
  /// an update may treat them as arrays of `parameter.numel()` neighbours.
  struct Update {
    const Tensor& parameter;
    const Tensor& gradient;
    const std::vector<Tensor>& buffers;  ///< zeros before the first step
    Size step;                           ///< 1 in the first
  };
  /// Is shown the options of a group one by one, and may change them.
  using OptionVisitor = std::function<void(const char* name, double& value)>;

  explicit Optimizer(const char* name) : name_(name) {}
  Optimizer(Optimizer&&) = default;
  Optimizer& operator=(Optimizer&&) = default;

  /// Changes one parameter in place; nothing is recorded.
  virtual void update(Size group, const Update& update) = 0;
  /// The names of what is kept for each parameter of a group, as PyTorch calls them.
  virtual std::vector<const char*> buffer_names(Size group) const = 0;
  virtual void visit_options(Size group, const OptionVisitor& visit) = 0;
  /// Throws for options that cannot work.
  virtual void check_options(Size group) const = 0;

  /// Checks and appends one group. Throws unless it holds leaves that require grad, none of them
  /// twice.
  void add_parameters(const std::vector<Tensor>& parameters);
  const char* name() const { return name_; }

 private:
  struct Slot {
    Tensor parameter;
    Size group;
    Size steps = 0;
    std::vector<Tensor> buffers = {};  // as many as names, after the first step
  };
  void step(Slot& slot, const Tensor& gradient);
  void check_group(Size group) const;

  const char* name_;
  Size groups_ = 0;
  std::vector<Slot> slots_;
};

/// The part of an optimizer that knows its options' type. `Options` is an aggregate with a member
/// `lr`.
template <class Options>
class GroupedOptimizer : public Optimizer {
 public:
  using Group = ParameterGroup<Options>;

  /// The options of one group, which may be changed between steps.
  Options& options(Size group = 0) { return options_.at(static_cast<std::size_t>(group)); }
  const Options& options(Size group = 0) const {
    return options_.at(static_cast<std::size_t>(group));
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
  using Optimizer::Optimizer;

 private:
  std::vector<Options> options_;
};

}  // namespace reel::optim
