#include "reel/optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/ops/create/create.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/view.h"
#include "reel/optim/detail/entries.h"

namespace reel::optim {
namespace {

/// Zeros that lie in memory as `like`, which is dense, does.
Tensor zeros_in_order_of(const Tensor& like) {
  Tensor zeros = reel::detail::empty_strided(like.shape(), like.strides(), like.dtype());
  zeros.zero_();
  return zeros;
}

/// A copy of `x` that lies in memory as `like`, which is dense, does.
Tensor copy_in_order_of(const Tensor& x, const Tensor& like) {
  Tensor copy = reel::detail::empty_strided(like.shape(), like.strides(), like.dtype());
  copy.copy_(x);
  return copy;
}

Tensor number(double value) { return full({}, value, {.dtype = float64}); }

constexpr const char* loading = "load_state_dict";

std::string option_key(Size group, const std::string& option) {
  return fmt::format("param_groups.{}.{}", group, option);
}

}  // namespace

Shape detail::number_shape(const Shape&) { return {}; }

Optimizer::~Optimizer() = default;

void Optimizer::step() {
  const reel::detail::OpScope scope(reel::detail::EventKind::step, name_);
  const NoGradGuard no_grad;
  check_all_options();
  take_step();
}

Tensor Optimizer::step(const std::function<Tensor()>& closure) {
  check(closure != nullptr, name_,
        "expected a closure that returns the loss, got an empty function");
  check_all_options();
  return take_step(closure);
}

void Optimizer::take_step() {
  for (Slot& slot : slots_) {
    const Tensor gradient = slot.parameter.grad();
    if (gradient.defined()) step(slot, gradient);
  }
}

Tensor Optimizer::take_step(const std::function<Tensor()>& closure) {
  const Tensor loss = [&] {
    const EnableGradGuard recorded;
    return closure();
  }();
  step();
  return loss;
}

void Optimizer::step(Slot& slot, const Tensor& gradient) {
  const bool dense = reel::detail::is_dense(slot.parameter.shape(), slot.parameter.strides());
  const Tensor parameter = dense ? slot.parameter : slot.parameter.detach().contiguous();
  const bool in_order = gradient.strides() == parameter.strides();
  const Tensor ordered = in_order ? gradient : copy_in_order_of(gradient, parameter);
  slot.state.resize(state_fields().size());
  update(slot.group, {parameter, ordered, slot.steps + 1, slot.state});
  ++slot.steps;
  if (dense) {
    reel::detail::bump_version(parameter, "step");
  } else {
    slot.parameter.copy_(parameter);
  }
}

const Tensor& Optimizer::Update::buffer(std::size_t field) const {
  Tensor& buffer = state[field];
  if (!buffer.defined()) {
    buffer = zeros_in_order_of(parameter);
  } else if (buffer.dtype() != parameter.dtype() || buffer.strides() != parameter.strides()) {
    // A module may have been converted to another dtype meanwhile.
    buffer = copy_in_order_of(buffer, parameter);
  }
  return buffer;
}

double Optimizer::Update::number(std::size_t field, double start) const {
  return state[field].defined() ? state[field].item() : start;
}

void Optimizer::Update::set_number(std::size_t field, double value) const {
  state[field] = reel::optim::number(value);
}

void Optimizer::zero_grad() {
  const reel::detail::OpScope scope(reel::detail::EventKind::zero_grad, name_);
  for (const Slot& slot : slots_) slot.parameter.set_grad({});
}

// ---- groups and their options

void Optimizer::add_parameters(const std::vector<Tensor>& parameters) {
  check(!parameters.empty(), name_, "expected at least one parameter, got none");
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Tensor& p = parameters[i];
    check(p.defined(), name_, "expected tensors, got an undefined one as parameter {} of group {}",
          i, groups_);
    check(p.is_leaf(), name_,
          "expected leaves of the tape, got a result of '{}' as parameter {} of group {}\n"
          "help: give the tensor it was computed from, or its detach()",
          p.op_name(), i, groups_);
    check(
        p.requires_grad(), name_,
        "expected parameters that require grad, got one of shape {} that does not as parameter {} "
        "of group {}\nhelp: call requires_grad_() on it, or leave it out if it is frozen",
        p.shape(), i, groups_);
    const auto is_p = [&p](const Tensor& other) { return other.is_same(p); };
    const auto before = parameters.begin() + static_cast<std::ptrdiff_t>(i);
    const bool twice = std::any_of(parameters.begin(), before, is_p) ||
                       std::any_of(slots_.begin(), slots_.end(),
                                   [&](const Slot& slot) { return is_p(slot.parameter); });
    check(!twice, name_, "expected different parameters, got parameter {} of group {} twice", i,
          groups_);
    check_parameter(p, fmt::format("parameter {} of group {}", i, groups_));
  }
  slots_.reserve(slots_.size() + parameters.size());  // nothing below throws
  for (const Tensor& p : parameters) slots_.push_back({p, groups_});
  ++groups_;
}

void Optimizer::check_group(Size group) const {
  check(group >= 0 && group < groups_, name_, "expected a group in [0, {}), got {}", groups_,
        group);
}

std::vector<Tensor> Optimizer::parameters(Size group) const {
  check_group(group);
  std::vector<Tensor> result;
  for (const Slot& slot : slots_) {
    if (slot.group == group) result.push_back(slot.parameter);
  }
  return result;
}

void Optimizer::check_parameter(const Tensor&, const std::string&) const {}

void Optimizer::check_all_options() const {
  for (Size group = 0; group < groups_; ++group) check_options(group);
}

Optimizer::AllOptions Optimizer::all_options() const {
  AllOptions options;
  for (Size group = 0; group < groups_; ++group) options.push_back(option_numbers(group));
  return options;
}

/// Throws, and changes nothing, unless `check_options` takes them.
void Optimizer::set_options(const AllOptions& options, const char* op) {
  const AllOptions before = all_options();
  const auto write = [&](const AllOptions& from) {
    for (Size group = 0; group < groups_; ++group) {
      set_option_numbers(group, from[static_cast<std::size_t>(group)], op);
    }
  };
  try {
    write(options);
    check_all_options();
  } catch (...) {
    write(before);
    throw;
  }
}

double& Optimizer::number_in(AllOptions& options, Size group, std::string_view option) const {
  auto& numbers = options[static_cast<std::size_t>(group)];
  const auto found = std::find_if(numbers.begin(), numbers.end(),
                                  [&](const NamedNumber& number) { return number.name == option; });
  if (found == numbers.end()) {
    std::string names;
    for (const NamedNumber& number : numbers) {
      names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", number.name);
    }
    fail(name_, "expected an option among {}, got \"{}\"", names, option);
  }
  return found->value;
}

bool Optimizer::has_option(std::string_view name) const {
  const auto numbers = option_numbers(0);
  return std::any_of(numbers.begin(), numbers.end(),
                     [&](const NamedNumber& number) { return number.name == name; });
}

double Optimizer::option(std::string_view name, Size group) const {
  check_group(group);
  AllOptions options = all_options();
  return number_in(options, group, name);
}

void Optimizer::set_option(std::string_view name, double value) {
  AllOptions options = all_options();
  for (Size group = 0; group < groups_; ++group) number_in(options, group, name) = value;
  set_options(options, name_);
}

void Optimizer::set_option(Size group, std::string_view name, double value) {
  check_group(group);
  AllOptions options = all_options();
  number_in(options, group, name) = value;
  set_options(options, name_);
}

double Optimizer::lr(Size group) const { return option("lr", group); }
void Optimizer::set_lr(double lr) { set_option("lr", lr); }
void Optimizer::set_lr(Size group, double lr) { set_option(group, "lr", lr); }

// ---- saving

StateDict Optimizer::state_dict() const {
  StateDict state;
  save_state(state);
  for (Size group = 0; group < groups_; ++group) {
    for (const NamedNumber& option : option_numbers(group)) {
      state[option_key(group, option.name)] = number(option.value);
    }
  }
  return state;
}

void Optimizer::load_state_dict(const StateDict& state) {
  Entries entries(state, name_);
  const std::function<void()> put_in_place = read_state(entries);
  AllOptions options = all_options();
  for (Size group = 0; group < groups_; ++group) {
    for (NamedNumber& option : options[static_cast<std::size_t>(group)]) {
      const std::string key = option_key(group, option.name);
      const Tensor* saved = option.is_switch ? entries.find(key, Shape{}) : &entries.at(key, {});
      // A switch that an older file does not know is off.
      option.value = saved == nullptr ? 0 : saved->item();
    }
  }
  entries.finish(slots_.size());

  set_options(options, loading);
  put_in_place();
}

void Optimizer::save_state(StateDict& state) const {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.steps == 0) continue;
    state[Entries::key(i, "step")] = number(static_cast<double>(slot.steps));
    for (std::size_t field = 0; field < slot.state.size(); ++field) {
      if (!slot.state[field].defined()) continue;
      state[Entries::key(i, state_fields()[field].name)] = slot.state[field].clone();
    }
  }
}

std::function<void()> Optimizer::read_state(Entries& entries) {
  std::vector<Slot> slots;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots.emplace_back(Slot{slots_[i].parameter, slots_[i].group});
    const std::optional<Size> steps = entries.count(Entries::key(i, "step"));
    if (!steps.has_value()) continue;
    slot.steps = *steps;
    for (const StateField& field : state_fields()) {
      const Shape shape =
          field.shape == nullptr ? slot.parameter.shape() : field.shape(slot.parameter.shape());
      const DType dtype = field.shape == detail::number_shape ? float64 : slot.parameter.dtype();
      const std::string key = Entries::key(i, field.name);
      slot.state.push_back(entries.tensor(key, shape, dtype, field.required));
    }
  }
  return [this, slots = std::move(slots)]() mutable { slots_ = std::move(slots); };
}

}  // namespace reel::optim
