#include "reel/base/detail/shared_blocks.h"

#include <sys/mman.h>

#include <cstdlib>

namespace reel::detail {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

}  // namespace

constinit std::atomic<std::int64_t> system_bytes{0};

void* take_from_system(std::size_t bytes) noexcept {
  void* block = nullptr;
  if (posix_memalign(&block, bytes >= huge_page ? huge_page : small_step, bytes) != 0)
    return nullptr;
  // What does not fill a huge page shall not get one.
  if (bytes >= huge_page) madvise(block, bytes / huge_page * huge_page, MADV_HUGEPAGE);
  system_bytes.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  return block;
}

void return_to_system(void* block, std::size_t bytes) noexcept {
  system_bytes.fetch_sub(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  std::free(block);
}

void return_to_system(std::size_t index, FreeBlock* first) noexcept {
  while (FreeBlock* block = first) {
    first = block->next;
    return_to_system(block, class_bytes(index));
  }
}

FreeBlock* SharedBlocks::pop(Shelf& shelf) {
  if (shelf.first.load(std::memory_order_relaxed) == nullptr) return nullptr;  // the usual case
  const std::lock_guard lock(shelf.mutex);
  FreeBlock* batch = shelf.first.load(std::memory_order_relaxed);
  if (batch != nullptr) shelf.first.store(batch->next_batch, std::memory_order_relaxed);
  return batch;
}

void SharedBlocks::push(Shelf& shelf, FreeBlock* first, std::size_t count) noexcept {
  const std::lock_guard lock(shelf.mutex);
  first->count = count;
  first->next_batch = shelf.first.load(std::memory_order_relaxed);
  shelf.first.store(first, std::memory_order_relaxed);
}

FreeBlock* SharedBlocks::take(std::size_t index) {
  FreeBlock* batch = pop(shelves_[index]);
  if (batch != nullptr && index >= small_classes)
    large_bytes_.fetch_sub(batch->count * class_bytes(index), std::memory_order_relaxed);
  return batch;
}

Slab SharedBlocks::take_slab() {
  FreeBlock* rest = pop(slabs_);
  if (rest == nullptr) return {nullptr, nullptr};
  char* begin = reinterpret_cast<char*>(rest);
  return {begin, begin + rest->count};
}

void SharedBlocks::give_slab(const Slab& slab) noexcept {
  push(slabs_, reinterpret_cast<FreeBlock*>(slab.begin), slab.bytes());
}

bool SharedBlocks::reserve(std::size_t bytes) {
  const std::size_t before = large_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (before + bytes <= limit_.load(std::memory_order_relaxed)) return true;
  large_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

void SharedBlocks::give(std::size_t index, FreeBlock* first, std::size_t count) noexcept {
  if (index >= small_classes && !reserve(count * class_bytes(index)))
    return return_to_system(index, first);
  push(shelves_[index], first, count);
}

void SharedBlocks::give_one(std::size_t index, FreeBlock* block) noexcept {
  block->next = nullptr;
  if (index >= small_classes) return give(index, block, 1);
  Shelf& shelf = shelves_[index];
  const std::lock_guard lock(shelf.mutex);
  FreeBlock* batch = shelf.first.load(std::memory_order_relaxed);
  const bool joins = batch != nullptr && batch->count < batch_of(index);
  block->next = joins ? batch : nullptr;
  block->next_batch = joins ? batch->next_batch : batch;
  block->count = joins ? batch->count + 1 : 1;
  shelf.first.store(block, std::memory_order_relaxed);
}

void SharedBlocks::trim(std::size_t bytes) noexcept {
  for (std::size_t index = class_count; index-- > small_classes;) {
    while (large_bytes_.load(std::memory_order_relaxed) > bytes) {
      FreeBlock* batch = take(index);
      if (batch == nullptr) break;
      return_to_system(index, batch);
    }
  }
}

}  // namespace reel::detail
