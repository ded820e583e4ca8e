#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "reel/autograd/detail/storage.h"
#include "reel/base/device.h"
#include "reel/base/dtype.h"
#include "reel/base/shape.h"

namespace reel::detail {

class Node;
struct TensorImpl;

/// Whether the tape follows what is computed from a tensor.
enum class Followed : std::uint8_t {
  no,
  yes,
  as_base,  ///< a view of what the tape did not follow: yes, once an op on the tape has written there
};

// What `TensorImpl::grad` says beside its pointer.

/// Somebody holds its lock.
inline constexpr std::uintptr_t grad_is_locked = 1;
/// It points to GradExtras.
inline constexpr std::uintptr_t has_extras = 2;
/// The tensor is a view; if it has no extras, the pointer is its base.
inline constexpr std::uintptr_t is_view = 4;
/// The same, but it was made while nothing was recorded: its history is not that of its base.
inline constexpr std::uintptr_t is_view_off_tape = 8;
inline constexpr std::uintptr_t is_any_view = is_view | is_view_off_tape;
inline constexpr std::uintptr_t grad_pointer = ~std::uintptr_t{15};

/// Of a view in whose memory an op on the tape has written: whether the tape follows its base.
REEL_API bool is_base_followed(const TensorImpl& view);
/// The op that made what such a view shows now; null where none did.
REEL_API Node* current_node(const TensorImpl& view);

/// The body that `Tensor` handles share: where the elements lie, how they are laid out, and the
/// tensor's place on the tape.
struct TensorImpl {
  std::atomic<std::uint32_t> refs{1};
  DType dtype = DType::float32;
  Device device = Device::cpu;
  Followed followed = Followed::no;
  // Three that never change while threads share the tensor, in one byte: the body has none to spare.
  bool is_number : 1 = false;   // made from a C++ number: takes part in promotion by its kind only
  bool contiguous : 1 = true;   // row-major, cached because every op asks
  bool is_batched : 1 = false;  // stands for the samples of a vmap: see batched.h
  std::byte* data = nullptr;    // the first element
  Storage* storage = nullptr;
  Size numel = 1;
  Node* node = nullptr;  // the op that made it, see current(); none for a leaf
  // The accumulated gradient (GradLock), or GradExtras, or the base of a view.
  std::atomic<std::uintptr_t> grad{0};
  Shape shape;
  Strides strides;

  bool requires_grad() const {
    return followed != Followed::no &&
           (followed == Followed::yes || (is_rewritten() && is_base_followed(*this)));
  }
  /// The op that made the elements as they are now; null for a leaf.
  Node* current() const {
    const bool may_be_stale = (grad.load(std::memory_order_relaxed) & is_view) != 0;
    return may_be_stale && is_rewritten() ? current_node(*this) : node;
  }

 private:
  bool is_rewritten() const { return storage->rewritten.load(std::memory_order_relaxed); }
};
static_assert(sizeof(TensorImpl) == 192, "three cache lines; the next size takes four");

/// A tensor's dtype; for a C++ number what it counts as on its own: int64, float32 or bool.
inline DType dtype_of_operand(const TensorImpl& x) {
  if (!x.is_number || x.dtype == bool_) return x.dtype;
  return is_floating(x.dtype) ? float32 : int64;
}

REEL_API void destroy(TensorImpl* impl) noexcept;

inline void drop(TensorImpl* impl) noexcept {
  if (impl != nullptr && drop_ref(impl->refs)) destroy(impl);
}

}  // namespace reel::detail
