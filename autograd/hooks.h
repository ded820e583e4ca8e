#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/detail/grad_extras.h"
#include "reel/autograd/tensor.h"
#include "reel/base/export.h"

namespace reel {

namespace detail {

/// A list of hooks, its signature forgotten.
class HookListBase {
 public:
  virtual ~HookListBase() = default;
  virtual void remove(std::uint64_t id) = 0;
};

/// Functions that somebody wants to be called. They may register and remove hooks themselves: those
/// that stood in the list when a call began are called.
template <class Result, class... Args>
class HookList<Result(Args...)> final : public HookListBase {
 public:
  using Hook = std::function<Result(Args...)>;

  std::uint64_t add(Hook hook) {
    const std::lock_guard lock(mutex_);
    hooks_.push_back({++last_id_, std::make_shared<const Hook>(std::move(hook))});
    return last_id_;
  }
  void remove(std::uint64_t id) override {
    std::shared_ptr<const Hook> removed;  // what it has captured goes when the list is open again
    const std::lock_guard lock(mutex_);
    const auto at = std::find_if(hooks_.begin(), hooks_.end(),
                                 [&](const Entry& entry) { return entry.id == id; });
    if (at == hooks_.end()) return;
    removed = std::move(at->hook);
    hooks_.erase(at);
  }
  /// Calls `visit(hook)` for each, in the order in which they came.
  template <class Visit>
  void each(const Visit& visit) const {
    std::vector<Entry> now;
    {
      const std::lock_guard lock(mutex_);
      now = hooks_;
    }
    for (const Entry& entry : now) visit(*entry.hook);
  }
  bool empty() const {
    const std::lock_guard lock(mutex_);
    return hooks_.empty();
  }

 private:
  struct Entry {
    std::uint64_t id;
    std::shared_ptr<const Hook> hook;
  };
  mutable std::mutex mutex_;
  std::vector<Entry> hooks_;
  std::uint64_t last_id_ = 0;
};

}  // namespace detail

/// What registering a hook returns: the way to take it away again. A hook stays when its handle is
/// gone. Follows `torch.utils.hooks.RemovableHandle`.
class HookHandle {
 public:
  /// Of no hook.
  HookHandle() = default;
  /// Used by what registers.
  HookHandle(std::weak_ptr<detail::HookListBase> list, std::uint64_t id)
      : list_(std::move(list)), id_(id) {}

  /// Takes the hook away, if it and its tensor are still there. A walk that is under way may still
  /// call it.
  void remove() {
    if (const auto list = list_.lock()) list->remove(id_);
    list_.reset();
  }

 private:
  std::weak_ptr<detail::HookListBase> list_;
  std::uint64_t id_ = 0;
};

namespace detail {
REEL_API HookHandle add_hook(const Tensor& x, std::function<Tensor(const Tensor&)> hook);
REEL_API HookHandle add_post_accumulate_hook(const Tensor& x,
                                             std::function<void(const Tensor&)> hook);
}  // namespace detail

template <class Hook>
HookHandle Tensor::register_hook(Hook hook) const {
  static_assert(std::is_invocable_v<Hook&, const Tensor&>,
                "register_hook takes a function of the gradient: [](const Tensor& dy) { ... }");
  using Result = std::invoke_result_t<Hook&, const Tensor&>;
  if constexpr (std::is_void_v<Result>) {
    return detail::add_hook(*this, [hook = std::move(hook)](const Tensor& dy) mutable {
      hook(dy);
      return Tensor();
    });
  } else {
    static_assert(std::convertible_to<Result, Tensor>,
                  "a hook returns nothing, or the gradient to go on with");
    return detail::add_hook(*this, std::move(hook));
  }
}

template <class Hook>
HookHandle Tensor::register_post_accumulate_grad_hook(Hook hook) const {
  static_assert(std::is_invocable_r_v<void, Hook&, const Tensor&>,
                "register_post_accumulate_grad_hook takes a function of the leaf: "
                "[](const Tensor& parameter) { ... }");
  return detail::add_post_accumulate_hook(*this, std::move(hook));
}

}  // namespace reel
