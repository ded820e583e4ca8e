#include "reel/autograd/function.h"

#include <algorithm>
#include <unordered_map>

#include "reel/autograd/detail/probe.h"
#include "reel/base/fail.h"

namespace reel {
namespace detail {

struct FunctionState {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  /// A saved tensor: an output, which the node keeps, or another, which the rule keeps.
  struct Place {
    std::size_t output = none;
    std::size_t index = none;
  };
  struct Offered {
    Tensor tensor;
    bool constant;
  };
  struct Kept {
    std::shared_ptr<void> value;
    const std::type_info* type;
  };
  struct Output {
    Shape shape;
    DType dtype;
    bool followed;
  };

  const char* name = nullptr;
  std::size_t arguments = 0;
  bool materialize = true;
  bool has_others = false;       // saved what is neither argument, output nor constant
  std::vector<Offered> offered;  // while forward runs
  std::vector<Tensor> unfollowed;
  std::vector<Place> places;
  std::vector<Output> outputs;
  std::unordered_map<std::string, Kept> kept;
  FunctionBackward backward = nullptr;
  bool once = false;

  std::vector<Tensor> run(const std::shared_ptr<FunctionState>& self,
                          const std::vector<Saved>& saved, const std::vector<Tensor>& dy,
                          const std::vector<Tensor>& y, const std::vector<bool>& needs) const;
};

namespace {

/// The rule on the tape. What it has saved is a member, so that `saved_by` sees it.
struct FunctionRule {
  std::shared_ptr<FunctionState> state;
  std::vector<Saved> saved;
};
struct RuleOfGradients : FunctionRule {
  Gradients operator()(const Gradients& dy, const Needs& needs) const {
    return state->run(state, saved, dy, {}, needs);
  }
};
struct RuleOfOutputs : FunctionRule {
  Gradients operator()(const Gradients& dy, const std::vector<Tensor>& y,
                       const Needs& needs) const {
    return state->run(state, saved, dy, y, needs);
  }
};

bool holds(const std::vector<Tensor>& tensors, const Tensor& one) {
  return std::any_of(tensors.begin(), tensors.end(),
                     [&](const Tensor& tensor) { return tensor.is_same(one); });
}

}  // namespace

FunctionCall::FunctionCall(OpName name, std::vector<Tensor> arguments)
    : arguments_(std::move(arguments)),
      state_(std::make_shared<FunctionState>()),
      context_(*state_, false) {
  state_->name = name;
  state_->arguments = arguments_.size();
  for (const Tensor& argument : arguments_)
    context_.needs_.push_back(grad_enabled() && argument.requires_grad());
}

FunctionCall::~FunctionCall() = default;

void FunctionCall::record(std::vector<Tensor>& outputs, FunctionBackward backward,
                          bool once_differentiable) {
  FunctionState& state = *state_;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    check(outputs[i].defined(), state.name,
          "expected forward to return tensors, got an undefined "
          "one as output {}",
          i);
    for (std::size_t a = 0; a < arguments_.size(); ++a)
      check(!outputs[i].is_same(arguments_[a]), state.name,
            "expected forward to return new tensors, got argument {} as output {}\n"
            "help: return a view or a copy of it: x.view(x.shape()), x.clone()",
            a, i);
    check(!outputs[i].requires_grad(), state.name,
          "expected forward to return tensors that it has made outside the tape, got one that "
          "requires grad as output {}\n"
          "help: give forward what it uses as an argument, and its derivative to backward",
          i);
    for (std::size_t k = 0; k < i; ++k)
      check(!outputs[i].is_same(outputs[k]), state.name,
            "expected forward to return each tensor once, got outputs {} and {} that are the same\n"
            "help: return a copy: y.clone()",
            k, i);
  }
  for (const Tensor& marked : state.unfollowed)
    check(holds(outputs, marked), state.name,
          "expected mark_non_differentiable of a tensor that forward returns, got another one");
  if (!grad_enabled() || !any_requires_grad(arguments_)) return;

  std::vector<std::size_t> followed;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const bool is_followed = outputs[i].is_floating_point() && !holds(state.unfollowed, outputs[i]);
    if (is_followed) followed.push_back(i);
    state.outputs.push_back({outputs[i].shape(), outputs[i].dtype(), is_followed});
  }
  if (followed.empty()) return;
  FunctionRule rule{state_, {}};
  bool needs_outputs = false;
  for (const FunctionState::Offered& offered : state.offered) {
    FunctionState::Place place;
    for (std::size_t k = 0; k < followed.size(); ++k)
      if (outputs[followed[k]].is_same(offered.tensor)) place.output = k;
    if (place.output == FunctionState::none) {
      place.index = rule.saved.size();
      rule.saved.push_back(Saved(offered.tensor));
      const bool known = offered.constant || !offered.tensor.defined() ||
                         !offered.tensor.is_floating_point() || holds(arguments_, offered.tensor);
      state.has_others = state.has_others || !known;
    } else {
      needs_outputs = true;
    }
    state.places.push_back(place);
  }
  state.offered.clear();
  state.unfollowed.clear();
  state.backward = backward;
  state.once = once_differentiable;

  std::vector<Tensor> recorded;
  for (const std::size_t i : followed) recorded.push_back(std::exchange(outputs[i], {}));
  const OpName name(state.name);
  if (needs_outputs)
    recorded =
        reel::record(name, std::move(recorded), Inputs{arguments_}, RuleOfOutputs{std::move(rule)});
  else
    recorded = reel::record(name, std::move(recorded), Inputs{arguments_},
                            RuleOfGradients{std::move(rule)});
  for (std::size_t k = 0; k < followed.size(); ++k) outputs[followed[k]] = std::move(recorded[k]);
}

std::vector<Tensor> FunctionState::run(const std::shared_ptr<FunctionState>& self,
                                       const std::vector<Saved>& saved,
                                       const std::vector<Tensor>& dy, const std::vector<Tensor>& y,
                                       const std::vector<bool>& needs) const {
  check(!once || !grad_enabled(), name,
        "expected a first derivative, as the function is once_differentiable, got backward with "
        "create_graph");
  check(!has_others || !grad_enabled(), name,
        "expected backward with create_graph to use saved arguments and outputs, got another saved "
        "tensor, whose way back to the arguments is not known\n"
        "help: compute it in backward, return it as an output, or, if it does not depend on them, "
        "use save_constant()");
  Context context(*self, true);
  context.needs_ = needs;
  for (const Place& place : places)
    context.saved_.push_back(place.output != none ? y[place.output] : saved[place.index]());
  Probe probe(name);
  std::vector<Tensor> lent;
  std::size_t k = 0;
  for (const Output& output : outputs) {
    Tensor given = output.followed ? dy[k++] : Tensor();
    if (!given.defined() && materialize)
      given = empty(output.shape, {.dtype = output.dtype}).zero_();
    lent.push_back(output.followed ? probe.lend(std::move(given)) : std::move(given));
  }
  std::vector<Tensor> gradients = backward(context, lent);
  check(gradients.size() == arguments, name,
        "expected backward to return {} gradients, one for each tensor argument, got {}", arguments,
        gradients.size());
  probe.check(
      gradients, needs,
      "write it in tensor ops, without data_ptr(), xtensor or detach(); return an undefined "
      "tensor for zero; or declare static constexpr bool once_differentiable = true;");
  return gradients;
}

}  // namespace detail

void Context::check_forward(const char* what) const {
  check(!in_backward_, state_.name, "expected {} in forward, got it in backward", what);
}

void Context::save_one(const Tensor& tensor, bool constant) {
  check_forward("save()");
  state_.offered.push_back({tensor, constant});
}

void Context::mark_one(const Tensor& output) {
  check_forward("mark_non_differentiable()");
  state_.unfollowed.push_back(output);
}

void Context::set_materialize_grads(bool value) {
  check_forward("set_materialize_grads()");
  state_.materialize = value;
}

const std::vector<Tensor>& Context::saved() const {
  check(in_backward_, state_.name, "expected saved() in backward, got it in forward");
  check(!saved_.empty(), state_.name,
        "expected forward to have saved tensors, got none\nhelp: context.save(x) in forward");
  return saved_;
}

const std::vector<Tensor>& Context::saved_of(std::size_t count) const {
  const std::vector<Tensor>& all = saved();
  check(all.size() == count, state_.name, "expected forward to have saved {} tensors, got {}",
        count, all.size());
  return all;
}

bool Context::needs_input_grad(std::size_t argument) const {
  check(argument < needs_.size(), state_.name,
        "expected needs_input_grad of one of {} tensor arguments, got {}", needs_.size(), argument);
  return needs_[argument];
}

void Context::keep_value(std::string_view name, std::shared_ptr<void> value,
                         const std::type_info& type) {
  check_forward("keep()");
  state_.kept[std::string(name)] = {std::move(value), &type};
}

const void* Context::kept_value(std::string_view name, const std::type_info& type) const {
  const auto found = state_.kept.find(std::string(name));
  check(found != state_.kept.end(), state_.name,
        "expected forward to have kept \"{0}\", got nothing of that name\n"
        "help: context.keep(\"{0}\", value) in forward",
        name);
  check(*found->second.type == type, state_.name,
        "expected \"{}\" as the type that forward has kept, got another\n"
        "help: kept<double> for a double, kept<Size> for a Size",
        name);
  return found->second.value.get();
}

}  // namespace reel
