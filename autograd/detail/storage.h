#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "reel/base/allocator.h"

namespace reel::detail {

/// What to do with memory that Reel did not allocate, once its last tensor is gone.
struct ForeignMemory {
  virtual ~ForeignMemory() = default;
};

/// The memory behind one or more tensors: shared by views, counted, and with a version that every
/// in-place change raises. Own memory follows the header in the same block.
struct alignas(64) Storage {
  std::atomic<std::uint32_t> refs{1};
  std::atomic<std::uint32_t> version{0};
  std::size_t bytes = 0;
  void* data = nullptr;
  ForeignMemory* foreign = nullptr;
  std::atomic<const char*> last_writer{nullptr};  // the op that changed the elements last
  std::atomic<bool> rewritten{false};  // on the tape: a view must ask its base for its history

  /// Whether the memory is Reel's own.
  bool is_own() const { return data == this + 1; }
};

REEL_API Storage* new_storage(std::size_t bytes);
REEL_API Storage* new_foreign_storage(void* data, std::size_t bytes, ForeignMemory* owner);
REEL_API void destroy(Storage* storage) noexcept;

/// Drops one reference and tells whether it was the last. A lone owner needs no atomic write.
inline bool drop_ref(std::atomic<std::uint32_t>& refs) noexcept {
  return refs.load(std::memory_order_acquire) == 1 ||
         refs.fetch_sub(1, std::memory_order_acq_rel) == 1;
}
inline void add_ref(std::atomic<std::uint32_t>& refs) noexcept {
  refs.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace reel::detail
