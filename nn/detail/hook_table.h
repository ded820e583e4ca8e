#pragma once

/// @file
/// Where the hooks of a module are kept.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "reel/autograd/hooks.h"
#include "reel/base/export.h"
#include "reel/nn/detail/module_call.h"

namespace reel::nn {

class Hooks;

namespace detail {

/// A list of hooks that has a bit in a word shared by several, set while there is one.
template <class Signature>
class MarkedHooks final : public reel::detail::HookListBase {
 public:
  MarkedHooks(std::atomic<unsigned>& marks, unsigned bit) : marks_(marks), bit_(bit) {}

  std::uint64_t add(std::function<Signature> hook) {
    const std::uint64_t id = hooks_.add(std::move(hook));
    mark();
    return id;
  }
  void remove(std::uint64_t id) override {
    hooks_.remove(id);
    mark();
  }
  template <class Visit>
  void each(const Visit& visit) const {
    hooks_.each(visit);
  }
  bool empty() const { return (marks_.load(std::memory_order_relaxed) & bit_) == 0; }

 private:
  void mark() {
    const std::lock_guard lock(marking_);
    if (hooks_.empty())
      marks_.fetch_and(~bit_, std::memory_order_relaxed);
    else
      marks_.fetch_or(bit_, std::memory_order_relaxed);
  }

  reel::detail::HookList<Signature> hooks_;
  std::atomic<unsigned>& marks_;
  const unsigned bit_;
  std::mutex marking_;
};

/// The hooks of one module, or of all. The module's field holds it, and graphs that its calls have
/// made; it knows where the field is, and so whether the module is still there.
class REEL_API HookTable : public std::enable_shared_from_this<HookTable> {
 public:
  /// Of the module around the field, which is `offset` bytes inside it.
  HookTable(const Hooks* field, std::ptrdiff_t offset, const std::type_info& type)
      : type_(&type), offset_(offset), field_(field) {}
  /// Of all modules; `marks` say which lists have a hook.
  explicit HookTable(std::atomic<unsigned>& marks) : marks_(marks) {}

  template <class List, class Hook>
  HookHandle add(List HookTable::*list, Hook hook) {
    List& hooks = this->*list;
    const std::uint64_t id = hooks.add(std::move(hook));
    return {std::shared_ptr<reel::detail::HookListBase>(shared_from_this(), &hooks), id};
  }

  bool empty() const { return marks_.load(std::memory_order_relaxed) == 0; }
  /// The type that the hooks were registered on.
  const std::type_info& type() const { return *type_; }
  /// Where the module is; null when it is gone.
  const void* module() const;
  /// The module has moved, or gone.
  void move_to(const Hooks* field) { field_.store(field, std::memory_order_release); }
  /// The reference of the field.
  std::shared_ptr<HookTable>& held_by_field() { return self_; }

 private:
  std::atomic<unsigned> own_marks_ = 0;
  std::atomic<unsigned>& marks_ = own_marks_;
  const std::type_info* type_ = nullptr;
  std::ptrdiff_t offset_ = 0;
  std::atomic<const Hooks*> field_ = nullptr;
  std::shared_ptr<HookTable> self_;

 public:
  MarkedHooks<void(const ModuleCall&)> forward_pre{marks_, 1}, forward{marks_, 2};
  MarkedHooks<void(ModuleGradients&)> backward_pre{marks_, 4}, backward{marks_, 8};
};

/// Which hooks there are of all modules.
extern REEL_API constinit std::atomic<unsigned> marks_of_all;
REEL_API HookTable& hooks_of_all();

/// Whether a module has a field for hooks.
template <class M>
inline constexpr bool takes_hooks =
    requires(M& module) { requires std::is_same_v<decltype((module.hooks)), Hooks&>; };

}  // namespace detail
}  // namespace reel::nn
