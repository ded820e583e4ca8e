#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "reel/autograd/detail/storage.h"
#include "reel/base/dtype.h"
#include "reel/base/shape.h"

namespace reel::detail {

class Node;

/// The body that `Tensor` handles share: where the elements lie, how they are laid out, and the
/// tensor's place on the tape.
struct TensorImpl {
  std::atomic<std::uint32_t> refs{1};
  DType dtype = DType::float32;
  bool requires_grad = false;
  bool is_number = false;     // made from a C++ number: takes part in promotion by its kind only
  bool contiguous = true;     // row-major, cached because every op asks
  std::byte* data = nullptr;  // the first element
  Storage* storage = nullptr;
  Size numel = 1;
  Node* node = nullptr;                 // the op that made it; none for a leaf
  std::atomic<std::uintptr_t> grad{0};  // a leaf's accumulated gradient: see GradLock
  Shape shape;
  Strides strides;
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
