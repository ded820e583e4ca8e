#include "reel/optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "reel/autograd/detail/op_scope.h"
#include "reel/autograd/fail.h"
#include "reel/autograd/ops/pointwise.h"
#include "reel/autograd/ops/view.h"
#include "reel/autograd/tape.h"

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

}  // namespace

Optimizer::~Optimizer() = default;

void Optimizer::step() {
  const reel::detail::OpScope scope(reel::detail::EventKind::step, name_);
  const NoGradGuard no_grad;
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
  for (std::size_t i = slot.buffers.size(); i < buffer_names(slot.group).size(); ++i) {
    slot.buffers.push_back(zeros_in_order_of(parameter));
  }
  for (Tensor& buffer : slot.buffers) {
    // A module may have been converted to another dtype meanwhile.
    if (buffer.dtype() != parameter.dtype() || buffer.strides() != parameter.strides()) {
      buffer = copy_in_order_of(buffer, parameter);
    }
  }
  ++slot.steps;
  update(slot.group, {parameter, ordered, slot.buffers, slot.steps});
  if (dense) {
    reel::detail::bump_version(parameter);
  } else {
    slot.parameter.copy_(parameter);
  }
}

void Optimizer::zero_grad() {
  const reel::detail::OpScope scope(reel::detail::EventKind::zero_grad, name_);
  for (const Slot& slot : slots_) slot.parameter.set_grad({});
}

// --- groups
// -----------------------------------------------------------------------------------------

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

double Optimizer::lr(Size group) const {
  check_group(group);
  double result = 0;
  // Only reads: the visitor leaves every option as it is.
  const_cast<Optimizer*>(this)->visit_options(group, [&](const char* name, double& value) {
    if (name == std::string_view("lr")) result = value;
  });
  return result;
}

void Optimizer::set_lr(double lr) {
  for (Size group = 0; group < groups_; ++group) set_lr(group, lr);
}

void Optimizer::set_lr(Size group, double lr) {
  check_group(group);
  check(lr >= 0, name_, "expected lr of at least 0, got {}", lr);
  visit_options(group, [lr](const char* name, double& value) {
    if (name == std::string_view("lr")) value = lr;
  });
}

// --- saving
// -----------------------------------------------------------------------------------------

StateDict Optimizer::state_dict() const {
  StateDict state;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.steps == 0) continue;
    state.emplace_back(fmt::format("state.{}.step", i), number(static_cast<double>(slot.steps)));
    const std::vector<const char*> names = buffer_names(slot.group);
    for (std::size_t k = 0; k < slot.buffers.size(); ++k) {
      state.emplace_back(fmt::format("state.{}.{}", i, names[k]), slot.buffers[k].clone());
    }
  }
  for (Size group = 0; group < groups_; ++group) {
    const_cast<Optimizer*>(this)->visit_options(group, [&](const char* name, double& value) {
      state.emplace_back(fmt::format("param_groups.{}.{}", group, name), number(value));
    });
  }
  return state;
}

void Optimizer::load_state_dict(const StateDict& state) {
  constexpr const char* op = "load_state_dict";
  std::size_t used = 0;
  const auto find = [&](const std::string& key) -> const Tensor* {
    const auto entry = std::find_if(state.begin(), state.end(),
                                    [&](const auto& named) { return named.first == key; });
    if (entry == state.end()) return nullptr;
    ++used;
    return &entry->second;
  };
  const auto require = [&](const std::string& key, const Shape& shape) -> const Tensor& {
    const Tensor* tensor = find(key);
    check(tensor != nullptr, op, "expected an entry \"{}\" for {}, got none", key, name_);
    check(tensor->shape() == shape, op, "expected \"{}\" of shape {}, got {}", key, shape,
          tensor->shape());
    return *tensor;
  };

  std::vector<Slot> slots = slots_;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    Slot& slot = slots[i];
    slot.buffers.clear();
    slot.steps = 0;
    const Tensor* steps = find(fmt::format("state.{}.step", i));
    if (steps == nullptr) continue;
    slot.steps = steps->item<Size>();
    for (const char* name : buffer_names(slot.group)) {
      const Tensor& saved = require(fmt::format("state.{}.{}", i, name), slot.parameter.shape());
      slot.buffers.push_back(saved.detach().to(slot.parameter.dtype()).clone());
    }
  }
  std::vector<double> options;
  for (Size group = 0; group < groups_; ++group) {
    visit_options(group, [&](const char* name, double&) {
      options.push_back(require(fmt::format("param_groups.{}.{}", group, name), {}).item());
    });
  }
  check(used == state.size(), op,
        "expected only entries of {} with {} parameters, got {} more\n"
        "help: give the optimizer the same groups in the same order as when it was saved",
        name_, slots_.size(), state.size() - used);

  slots_ = std::move(slots);
  auto next = options.begin();
  for (Size group = 0; group < groups_; ++group) {
    visit_options(group, [&](const char*, double& value) { value = *next++; });
  }
}

}  // namespace reel::optim
