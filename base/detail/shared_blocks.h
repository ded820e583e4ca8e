#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "reel/base/detail/size_class.h"

namespace reel::detail {

/// A block that nobody uses. The first of a batch also knows how long that is and which comes next.
struct FreeBlock {
  FreeBlock* next;
  FreeBlock* next_batch;
  std::size_t count;
};

/// Memory from which small blocks are cut.
struct Slab {
  char* begin;
  char* end;

  std::size_t bytes() const { return static_cast<std::size_t>(end - begin); }
};

/// The free blocks that belong to no thread, in batches. What one thread frees in excess, and what
/// it leaves behind when it ends, another finds here. Constructed and destroyed trivially: tensors
/// in static storage may outlive everything else.
class SharedBlocks {
 public:
  /// A batch of the class, null if there is none.
  FreeBlock* take(std::size_t index);

  /// Adds the batch that begins with `first`. Large ones beyond the limit go to the system.
  void give(std::size_t index, FreeBlock* first, std::size_t count) noexcept;

  /// Adds one block to a batch that is not full.
  void give_one(std::size_t index, FreeBlock* block) noexcept;

  /// The same for what is left of a slab: at least a small block of the largest class.
  Slab take_slab();
  void give_slab(const Slab& slab) noexcept;

  /// Gives large blocks to the system until no more than `bytes` are left.
  void trim(std::size_t bytes) noexcept;

  void set_limit(std::size_t bytes) {
    limit_.store(bytes, std::memory_order_relaxed);
    trim(bytes);
  }

 private:
  struct Shelf {
    std::mutex mutex;
    std::atomic<FreeBlock*> first;  // of the first batch; changed under the mutex
  };

  static FreeBlock* pop(Shelf& shelf);
  static void push(Shelf& shelf, FreeBlock* first, std::size_t count) noexcept;

  /// Whether there is room for so many bytes of large blocks more, which then count.
  bool reserve(std::size_t bytes);

  Shelf shelves_[class_count];
  Shelf slabs_;  // as batches of one block, with bytes for a count
  std::atomic<std::size_t> large_bytes_;
  std::atomic<std::size_t> limit_{std::size_t{1} << 30};
};

/// Bytes that the allocator holds of the system.
extern std::atomic<std::int64_t> system_bytes;

/// A block straight from the system, null when there is no memory.
void* take_from_system(std::size_t bytes) noexcept;
void return_to_system(void* block, std::size_t bytes) noexcept;

/// Every block of a batch goes to the system.
void return_to_system(std::size_t index, FreeBlock* first) noexcept;

}  // namespace reel::detail
