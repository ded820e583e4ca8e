#include "reel/nn/hooks.h"

#include <mutex>
#include <thread>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/nn/detail/call.h"
#include "reel/nn/detail/describe.h"

namespace reel::nn {

// ---- where hooks are kept

detail::HookTable& Hooks::table(const void* module, const std::type_info& type) {
  static std::mutex making;
  const std::lock_guard lock(making);
  if (detail::HookTable* table = table_.load(std::memory_order_relaxed)) return *table;
  const auto offset = reinterpret_cast<const char*>(this) - static_cast<const char*>(module);
  auto table = std::make_shared<detail::HookTable>(this, offset, type);
  detail::HookTable& made = *table;
  made.held_by_field() = std::move(table);
  table_.store(&made, std::memory_order_release);
  return made;
}

void Hooks::take_table(Hooks& other) noexcept {
  detail::HookTable* table = other.table_.exchange(nullptr, std::memory_order_relaxed);
  table->move_to(this);
  table_.store(table, std::memory_order_release);
}

void Hooks::leave_table() noexcept {
  detail::HookTable* table = table_.exchange(nullptr, std::memory_order_relaxed);
  table->move_to(nullptr);
  const std::shared_ptr<detail::HookTable> last = std::move(table->held_by_field());
}

namespace detail {

constinit std::atomic<unsigned> marks_of_all = 0;

HookTable& hooks_of_all() {
  static const auto* const table =  // never freed: statics may call modules
      new std::shared_ptr<HookTable>(std::make_shared<HookTable>(marks_of_all));
  return **table;
}

const void* HookTable::module() const {
  const Hooks* field = field_.load(std::memory_order_acquire);
  return field == nullptr ? nullptr : reinterpret_cast<const char*>(field) - offset_;
}

HookTable& hook_table(const char* name, const ModuleRef& module) {
  check(module.hooks() != nullptr, name,
        "expected a module with a field nn::Hooks hooks, got {}\n"
        "help: give it one, and an operator() that goes through nn::call",
        short_type(module.type_name()));
  return module.hooks()->table(module.address(), module.type());
}

// ---- what hooks are given, and what they replace

namespace {

class TensorFinder final : public Visitor {
 public:
  void tensor(const Tensor& tensor, TensorKind) override {
    found.push_back(const_cast<Tensor*>(&tensor));
  }
  std::vector<Tensor*> found;
};

std::string name_of(const ModuleType& type, const void* module) {
  return short_type(type.show(module).type_name());
}

}  // namespace

std::vector<Tensor*> tensors_in(std::span<const Value> values) {
  TensorFinder finder;
  for (const Value& value : values) {
    if (value.walk != nullptr) {
      value.walk(value.at, finder);
    } else if (*value.type == typeid(Tensor)) {
      auto* tensor = static_cast<Tensor*>(value.at);
      if (tensor->defined()) finder.found.push_back(tensor);
    }
  }
  return std::move(finder.found);
}

TensorList list_of(std::span<const Value> values) {
  TensorList list;
  for (const Tensor* tensor : tensors_in(values)) list.push_back(*tensor);
  return list;
}

void replace_tensors(const char* name, std::span<const Value> values, TensorList with) {
  const std::vector<Tensor*> tensors = tensors_in(values);
  check(with.size() == tensors.size(), name,
        "expected a hook to return as many tensors as it was given, which is {}, got {}",
        tensors.size(), with.size());
  for (std::size_t i = 0; i < with.size(); ++i) {
    check(with[i].defined(), name, "expected a hook to return tensors, got an undefined one at {}",
          i);
    *tensors[i] = std::move(with[i]);
  }
}

void replace_gradients(const char* name, TensorList& gradients, TensorList with) {
  check(with.size() == gradients.size(), name,
        "expected a hook to return as many gradients as it was given, which is {}, got {}",
        gradients.size(), with.size());
  for (std::size_t i = 0; i < with.size(); ++i) {
    if (!with[i].defined()) continue;
    check(gradients[i].defined(), name,
          "expected a hook to leave the gradient at {} undefined, as it was given it, got one of "
          "shape {}",
          i, with[i].shape());
    check(with[i].shape() == gradients[i].shape() && with[i].dtype() == gradients[i].dtype(), name,
          "expected a hook to return a gradient of shape {} and dtype {}, got {} and {}",
          gradients[i].shape(), gradients[i].dtype(), with[i].shape(), with[i].dtype());
  }
  gradients = std::move(with);
}

void called_otherwise(const char* name, const ModuleCall& call) {
  fail(name,
       "expected {} to be called with, and to return, the types that its hook takes, got others\n"
       "help: a hook for all ways to call it takes lists: (const {}&, const std::vector<Tensor>&, "
       "...)",
       name_of(*call.type, call.module), name_of(*call.type, call.module));
}

void check_one_tensor(const char* name, const ModuleGradients& gradients, bool inputs) {
  check(gradients.outputs.size() == 1 && (!inputs || gradients.inputs.size() == 1), name,
        "expected {} to have one {} for a hook that takes tensors, got {} and {}\n"
        "help: a hook of several takes lists: const std::vector<Tensor>&",
        name_of(*gradients.type, gradients.module), inputs ? "input and output" : "output",
        gradients.inputs.size(), gradients.outputs.size());
}

// ---- backward

/// What the tape knows of a call whose gradients hooks see: an identity around its inputs, and one
/// around its outputs.
class Backward : public std::enable_shared_from_this<Backward> {
 public:
  Backward(std::shared_ptr<HookTable> table, const ModuleType& type)
      : table_(std::move(table)), type_(type) {}

  void follow_inputs(std::span<const Value> values) {
    const std::vector<Tensor*> tensors = tensors_in(values);
    inputs_ = tensors.size();
    for (std::size_t i = 0; i < inputs_; ++i)
      if (tensors[i]->requires_grad()) followed_inputs_.push_back(i);
    follow(tensors, followed_inputs_,
           [self = shared_from_this()](TensorList dx) { return self->inputs_came(std::move(dx)); });
  }

  void follow_outputs(const Value& value) {
    const std::vector<Tensor*> tensors = tensors_in({&value, 1});
    outputs_ = tensors.size();
    for (std::size_t i = 0; i < outputs_; ++i)
      if (tensors[i]->requires_grad()) followed_outputs_.push_back(i);
    follow(tensors, followed_outputs_, [self = shared_from_this()](TensorList dy) {
      return self->outputs_came(std::move(dy));
    });
  }

 private:
  using Which = std::vector<std::size_t>;

  /// Puts what the tape follows in the place of the tensors, with `pass` on its gradients' way.
  template <class Pass>
  static void follow(const std::vector<Tensor*>& tensors, const Which& which, Pass pass) {
    if (which.empty()) return;
    Inputs originals;
    TensorList seen;
    for (const std::size_t i : which) {
      originals.tensors.push_back(*tensors[i]);
      seen.push_back(tensors[i]->detach());
    }
    seen = record("module_hooks", std::move(seen), originals,
                  [pass](const Gradients& gradients, const Needs&) { return pass(gradients); });
    for (std::size_t k = 0; k < which.size(); ++k) *tensors[which[k]] = std::move(seen[k]);
  }

  TensorList outputs_came(TensorList dy) {
    ModuleGradients gradients = these(TensorList(inputs_), spread(dy, followed_outputs_, outputs_));
    table_->backward_pre.each([&](const auto& hook) { hook(gradients); });
    if (followed_inputs_.empty())
      table_->backward.each([&](const auto& hook) { hook(gradients); });
    else
      remember(gradients.outputs);
    return pick(gradients.outputs, followed_outputs_);
  }

  TensorList inputs_came(TensorList dx) {
    ModuleGradients gradients = these(spread(dx, followed_inputs_, inputs_), remembered());
    table_->backward.each([&](const auto& hook) { hook(gradients); });
    return pick(gradients.inputs, followed_inputs_);
  }

  ModuleGradients these(TensorList inputs, TensorList outputs) const {
    const void* module = table_->module();
    check(module != nullptr, "register_full_backward_hook",
          "expected the module to be there when backward runs through it, got one that is gone\n"
          "help: keep it until then, or remove the hook before it is called");
    return {module, &type_, std::move(inputs), std::move(outputs)};
  }

  static TensorList spread(TensorList& from, const Which& which, std::size_t size) {
    TensorList all(size);
    for (std::size_t k = 0; k < which.size(); ++k) all[which[k]] = std::move(from[k]);
    return all;
  }
  static TensorList pick(const TensorList& all, const Which& which) {
    TensorList some;
    for (const std::size_t i : which) some.push_back(all[i]);
    return some;
  }

  // Several threads may walk one graph, and a walk be inside another: each takes back the newest of
  // what its thread has left here.
  void remember(const TensorList& outputs) {
    const std::lock_guard lock(mutex_);
    under_way_.emplace_back(std::this_thread::get_id(), outputs);
  }
  TensorList remembered() {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = under_way_.size(); i-- > 0;) {
      if (under_way_[i].first != std::this_thread::get_id()) continue;
      TensorList outputs = std::move(under_way_[i].second);
      under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(i));
      return outputs;
    }
    return TensorList(outputs_);  // the gradient came past the outputs
  }

  const std::shared_ptr<HookTable> table_;
  const ModuleType& type_;
  std::size_t inputs_ = 0, outputs_ = 0;
  Which followed_inputs_, followed_outputs_;
  std::mutex mutex_;
  std::vector<std::pair<std::thread::id, TensorList>> under_way_;
};

// ---- a call

WatchedCall::WatchedCall(const ModuleType& type, const void* module, const Hooks* hooks,
                         std::span<const Value> inputs)
    : call_{module, &type, inputs, {}} {
  if (hooks != nullptr && hooks->table() != nullptr) own_ = hooks->table()->shared_from_this();
  check(own_ == nullptr || own_->type() == *type.type, "call",
        "expected the module that its hooks were registered on, got the {} inside it\n"
        "help: register them on that",
        name_of(type, module));
  hooks_of_all().forward_pre.each([&](const auto& hook) { hook(call_); });
  if (own_ == nullptr) return;
  own_->forward_pre.each([&](const auto& hook) { hook(call_); });
  if (grad_enabled() && !(own_->backward_pre.empty() && own_->backward.empty())) {
    backward_ = std::make_shared<Backward>(own_, type);
    backward_->follow_inputs(inputs);
  }
}

WatchedCall::~WatchedCall() = default;

void WatchedCall::returned(const Value& output) {
  call_.output = {&output, 1};
  hooks_of_all().forward.each([&](const auto& hook) { hook(call_); });
  if (own_ != nullptr) own_->forward.each([&](const auto& hook) { hook(call_); });
  if (backward_ != nullptr) backward_->follow_outputs(output);
}

}  // namespace detail
}  // namespace reel::nn
