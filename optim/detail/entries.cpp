#include "reel/optim/detail/entries.h"

#include <algorithm>
#include <cmath>

#include "reel/base/fail.h"

namespace reel::optim {
namespace {
constexpr const char* op = "load_state_dict";
}  // namespace

Optimizer::Entries::Entries(const StateDict& state, const char* optimizer)
    : state_(state), optimizer_(optimizer) {
  for (const auto& entry : state) left_.emplace(entry.first, &entry.second);
}

std::string Optimizer::Entries::key(std::size_t parameter, std::string_view what) {
  return fmt::format("state.{}.{}", parameter, what);
}

const Tensor* Optimizer::Entries::find(const std::string& key) {
  const auto entry = left_.find(key);
  if (entry == left_.end()) return nullptr;
  const Tensor& tensor = *entry->second;
  left_.erase(entry);
  check(tensor.defined(), op, "expected a tensor as \"{}\", got an undefined one", key);
  return &tensor;
}

const Tensor* Optimizer::Entries::find(const std::string& key, const Shape& shape) {
  const Tensor* tensor = find(key);
  check(tensor == nullptr || tensor->shape() == shape, op, "expected \"{}\" of shape {}, got {}",
        key, shape, tensor == nullptr ? Shape() : tensor->shape());
  return tensor;
}

const Tensor& Optimizer::Entries::at(const std::string& key, const Shape& shape) {
  const Tensor* tensor = find(key, shape);
  check(tensor != nullptr, op, "expected an entry \"{}\" for {}, got none", key, optimizer_);
  return *tensor;
}

std::optional<Size> Optimizer::Entries::count(const std::string& key) {
  const Tensor* saved = find(key, {});
  if (saved == nullptr) return {};
  const double steps = saved->item();
  check(steps >= 0 && steps <= 9007199254740992.0 && steps == std::floor(steps), op,
        "expected a whole number in [0, 2^53] as \"{}\", got {}", key, steps);
  return static_cast<Size>(steps);
}

Tensor Optimizer::Entries::tensor(const std::string& key, const Shape& shape, DType dtype,
                                  bool required) {
  const Tensor* saved = required ? &at(key, shape) : find(key, shape);
  if (saved == nullptr) return {};
  check(saved->is_floating_point(), op, "expected \"{}\" in float32 or float64, got {}", key,
        saved->dtype());
  return saved->detach().to(dtype).clone();
}

void Optimizer::Entries::finish(std::size_t parameters) const {
  if (left_.empty()) return;
  const auto first = std::find_if(state_.begin(), state_.end(),
                                  [&](const auto& entry) { return left_.contains(entry.first); });
  fail(op,
       "expected only entries of {} with {} parameters, got also \"{}\"{}\n"
       "help: give the optimizer the same groups in the same order as when it was saved",
       optimizer_, parameters, first->first,
       left_.size() > 1 ? fmt::format(" and {} more", left_.size() - 1) : "");
}

}  // namespace reel::optim
