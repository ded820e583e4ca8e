#pragma once

// Internal: what a tensor has beside its gradient once somebody asks for it.

#include <atomic>
#include <cstdint>
#include <memory>

#include "reel/base/export.h"

namespace reel {

class Tensor;

namespace detail {

struct TensorImpl;
template <class Signature>
class HookList;

/// Hooks, and the gradient of a tensor that is no leaf: it has to be there for the walk, which knows
/// the node, and for the tensor, and neither may keep the other. A body without extras has its
/// gradient in `TensorImpl::grad`, a body with extras has them there.
struct alignas(16) GradExtras {
  std::atomic<std::uint32_t> refs{1};
  std::atomic<bool> retains{false};         // whether the walk is to leave the gradient here
  std::atomic<std::uintptr_t> gradient{0};  // behind the lock of a GradLock
  // Of a view: a reference that its body owns, for the node must not keep the base, whose history may
  // lead to it.
  TensorImpl* base = nullptr;
  std::shared_ptr<HookList<Tensor(const Tensor&)>> hooks;
  std::shared_ptr<HookList<void(const Tensor&)>> post_accumulate;
};

REEL_API void drop(GradExtras* extras) noexcept;

/// Those of a tensor's body, which gets them if it has none.
REEL_API GradExtras& extras_of(TensorImpl& body);

}  // namespace detail
}  // namespace reel
