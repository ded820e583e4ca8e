#include "reel/optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>

#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/view.h"

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

Tensor number(double value) {
  const Tensor tensor = empty({}, {.dtype = float64});
  *tensor.data_ptr<double>() = value;
  return tensor;
}

std::string slot_key(std::size_t slot, const char* what) {
  return fmt::format("state.{}.{}", slot, what);
}
std::string option_key(Size group, const char* option) {
  return fmt::format("param_groups.{}.{}", group, option);
}

/// The entries of a state on their way into an optimizer: each is taken at most once.
class Entries {
 public:
  Entries(const StateDict& state, const char* optimizer) : state_(state), optimizer_(optimizer) {
    for (const auto& entry : state) left_.emplace(entry.first, &entry.second);
  }

  /// Null unless the state has it.
  const Tensor* find(const std::string& key, const Shape& shape) {
    const auto entry = left_.find(key);
    if (entry == left_.end()) return nullptr;
    const Tensor& tensor = *entry->second;
    left_.erase(entry);
    check(tensor.defined(), op, "expected a tensor as \"{}\", got an undefined one", key);
    check(tensor.shape() == shape, op, "expected \"{}\" of shape {}, got {}", key, shape,
          tensor.shape());
    return &tensor;
  }

  const Tensor& at(const std::string& key, const Shape& shape) {
    const Tensor* tensor = find(key, shape);
    check(tensor != nullptr, op, "expected an entry \"{}\" for {}, got none", key, optimizer_);
    return *tensor;
  }

  /// Throws when some entry was not taken.
  void finish(std::size_t parameters) const {
    if (left_.empty()) return;
    const auto first = std::find_if(state_.begin(), state_.end(),
                                    [&](const auto& entry) { return left_.contains(entry.first); });
    fail(op,
         "expected only entries of {} with {} parameters, got also \"{}\"{}\n"
         "help: give the optimizer the same groups in the same order as when it was saved",
         optimizer_, parameters, first->first,
         left_.size() > 1 ? fmt::format(" and {} more", left_.size() - 1) : "");
  }

  static constexpr const char* op = "load_state_dict";

 private:
  const StateDict& state_;
  const char* optimizer_;
  std::unordered_map<std::string_view, const Tensor*> left_;
};

/// A number of steps; whole numbers up to 2^53 are exact in the float64 they are saved in.
Size steps_of(const std::string& key, const Tensor& saved) {
  const double steps = saved.item();
  check(steps >= 0 && steps <= 9007199254740992.0 && steps == std::floor(steps), Entries::op,
        "expected a whole number in [0, 2^53] as \"{}\", got {}", key, steps);
  return static_cast<Size>(steps);
}

Tensor buffer_of(const std::string& key, const Tensor& saved, const Tensor& parameter) {
  check(saved.is_floating_point(), Entries::op, "expected \"{}\" in float32 or float64, got {}",
        key, saved.dtype());
  return saved.detach().to(parameter.dtype()).clone();
}

}  // namespace

Optimizer::~Optimizer() = default;

void Optimizer::step() {
  const reel::detail::OpScope scope(reel::detail::EventKind::step, name_);
  const NoGradGuard no_grad;
  for (Size group = 0; group < groups_; ++group) check_options(group);
  for (Slot& slot : slots_) {
    const Tensor gradient = slot.parameter.grad();
    if (gradient.defined()) step(slot, gradient);
  }
}

void Optimizer::step(Slot& slot, const Tensor& gradient) {
  const bool dense = reel::detail::is_dense(slot.parameter.shape(), slot.parameter.strides());
  const Tensor parameter = dense ? slot.parameter : slot.parameter.detach().contiguous();
  const bool in_order = gradient.strides() == parameter.strides();
  const Tensor ordered = in_order ? gradient : copy_in_order_of(gradient, parameter);
  slot.buffers.resize(buffer_kinds().size());
  update(slot.group, {parameter, ordered, slot.steps + 1, slot.buffers});
  ++slot.steps;
  if (dense) {
    reel::detail::bump_version(parameter);
  } else {
    slot.parameter.copy_(parameter);
  }
}

const Tensor& Optimizer::Update::buffer(std::size_t kind) const {
  Tensor& buffer = buffers[kind];
  if (!buffer.defined()) {
    buffer = zeros_in_order_of(parameter);
  } else if (buffer.dtype() != parameter.dtype() || buffer.strides() != parameter.strides()) {
    // A module may have been converted to another dtype meanwhile.
    buffer = copy_in_order_of(buffer, parameter);
  }
  return buffer;
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

/// Calls `visit(group, name, value)` for the options of all groups.
template <class Visit>
void Optimizer::for_each_option(const Visit& visit) const {
  for (Size group = 0; group < groups_; ++group) {
    // What only reads leaves every option as it is.
    const_cast<Optimizer*>(this)->visit_options(
        group, [&](const char* name, double& value) { visit(group, name, value); });
  }
}

std::vector<double> Optimizer::option_values() const {
  std::vector<double> values;
  for_each_option([&](Size, const char*, double value) { values.push_back(value); });
  return values;
}

/// Throws, and changes nothing, unless `check_options` takes them.
void Optimizer::set_options(const std::vector<double>& values) {
  const std::vector<double> before = option_values();
  const auto write = [this](const std::vector<double>& from) {
    auto next = from.begin();
    for_each_option([&](Size, const char*, double& value) { value = *next++; });
  };
  try {
    write(values);
    auto wanted = values.begin();
    for_each_option([&](Size group, const char* name, double value) {
      check(value == *wanted || std::isnan(value), Entries::op, "expected 0 or 1 as \"{}\", got {}",
            option_key(group, name),
            *wanted);  // all that a switch can hold
      ++wanted;
    });
    for (Size group = 0; group < groups_; ++group) check_options(group);
  } catch (...) {
    write(before);
    throw;
  }
}

double Optimizer::lr(Size group) const {
  check_group(group);
  double result = 0;
  for_each_option([&](Size of, const char* name, double value) {
    if (of == group && name == std::string_view("lr")) result = value;
  });
  return result;
}

void Optimizer::set_lr(double lr) {
  std::vector<double> values;
  for_each_option([&](Size, const char* name, double value) {
    values.push_back(name == std::string_view("lr") ? lr : value);
  });
  set_options(values);
}

void Optimizer::set_lr(Size group, double lr) {
  check_group(group);
  std::vector<double> values;
  for_each_option([&](Size of, const char* name, double value) {
    values.push_back(of == group && name == std::string_view("lr") ? lr : value);
  });
  set_options(values);
}

// ---- saving

StateDict Optimizer::state_dict() const {
  StateDict state;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.steps == 0) continue;
    state[slot_key(i, "step")] = number(static_cast<double>(slot.steps));
    for (std::size_t kind = 0; kind < slot.buffers.size(); ++kind) {
      if (!slot.buffers[kind].defined()) continue;
      state[slot_key(i, buffer_kinds()[kind].name)] = slot.buffers[kind].clone();
    }
  }
  for_each_option([&](Size group, const char* name, double value) {
    state[option_key(group, name)] = number(value);
  });
  return state;
}

void Optimizer::load_state_dict(const StateDict& state) {
  Entries entries(state, name_);
  std::vector<Slot> slots;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots.emplace_back(Slot{slots_[i].parameter, slots_[i].group});
    const std::string steps_key = slot_key(i, "step");
    const Tensor* steps = entries.find(steps_key, {});
    if (steps == nullptr) continue;
    slot.steps = steps_of(steps_key, *steps);
    for (const BufferKind& kind : buffer_kinds()) {
      const std::string key = slot_key(i, kind.name);
      const Shape& shape = slot.parameter.shape();
      const Tensor* saved = kind.optional ? entries.find(key, shape) : &entries.at(key, shape);
      slot.buffers.push_back(saved == nullptr ? Tensor() : buffer_of(key, *saved, slot.parameter));
    }
  }
  std::vector<double> options;
  for_each_option([&](Size group, const char* name, double) {
    options.push_back(entries.at(option_key(group, name), {}).item());
  });
  entries.finish(slots_.size());

  set_options(options);
  slots_ = std::move(slots);
}

}  // namespace reel::optim
