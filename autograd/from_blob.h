#pragma once

// Tensors on memory that is not Reel's.

#include <memory>
#include <type_traits>
#include <utility>

#include "reel/autograd/detail/storage.h"
#include "reel/autograd/tensor.h"

namespace reel {
namespace detail {

REEL_API Tensor from_memory(void* data, const Shape& shape, const TensorOptions& options,
                            std::unique_ptr<ForeignMemory> owner);

template <class T, class Deleter>
struct DeletedMemory final : ForeignMemory {
  DeletedMemory(T* memory, Deleter with) : data(memory), deleter(std::move(with)) {}
  DeletedMemory(const DeletedMemory&) = delete;
  DeletedMemory& operator=(const DeletedMemory&) = delete;
  ~DeletedMemory() override {
    if (armed) deleter(data);
  }
  T* data;
  Deleter deleter;
  bool armed = false;
};

template <class T>
TensorOptions blob_options(TensorOptions options) {
  if constexpr (!std::is_void_v<T>) {
    if (!options.dtype) options.dtype = reel::dtype_of<T>;
  }
  return options;
}

}  // namespace detail

/// A tensor on row-major memory that the caller keeps alive; nothing is copied. The dtype is that
/// of the pointer unless `options` give another; float32 for `void*`. Follows `torch.from_blob`.
///
/// Throws when `data` is null or not aligned to the size of an element, and when a bool is stored
/// as a byte that is neither 0 nor 1.
template <class T>
Tensor from_blob(T* data, const Shape& shape, const TensorOptions& options = {}) {
  static_assert(!std::is_const_v<T>,
                "from_blob shares memory that ops may write to, so it takes no pointer to const: "
                "copy the values by tensor(std::span(data, n))");
  if constexpr (!std::is_const_v<T>) {
    return detail::from_memory(data, shape, detail::blob_options<T>(options), nullptr);
  }
}

/// The same, handing the memory over: `deleter(data)` is called when the last tensor that shares it
/// is gone. When this function throws, the memory stays the caller's.
template <class T, class Deleter>
  requires std::is_invocable_v<Deleter&, T*>
Tensor from_blob(T* data, const Shape& shape, Deleter deleter, const TensorOptions& options = {}) {
  static_assert(!std::is_const_v<T>, "from_blob takes no pointer to const: ops may write to it");
  auto owner = std::make_unique<detail::DeletedMemory<T, Deleter>>(data, std::move(deleter));
  auto* deleted = owner.get();
  Tensor made =
      detail::from_memory(data, shape, detail::blob_options<T>(options), std::move(owner));
  deleted->armed = true;
  return made;
}

}  // namespace reel
