#include "reel/autograd/allocator.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#include "reel/autograd/detail/guarded_blocks.h"
#include "reel/autograd/detail/memory_counters.h"
#include "reel/autograd/fail.h"

namespace reel {
namespace {

constexpr std::size_t small_step = 64;
constexpr std::size_t small_limit = 4096;
constexpr std::size_t small_classes = small_limit / small_step;
constexpr std::size_t slab_bytes = std::size_t{256} << 10;
constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t class_count = small_classes + 4 * 40;

// Set before the first request, if at all.
std::atomic<bool> guarded{false};
std::atomic<std::size_t> cache_limit{std::size_t{1} << 30};

std::size_t class_of(std::size_t bytes) {
  if (bytes <= small_limit) return (std::max<std::size_t>(bytes, 1) - 1) / small_step;
  const auto log = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;  // 2^log < bytes
  const std::size_t quarter = ((bytes - 1) >> (log - 2)) & 3;
  return small_classes + (log - 12) * 4 + quarter;
}

std::size_t class_bytes(std::size_t index) {
  if (index < small_classes) return (index + 1) * small_step;
  const std::size_t log = 12 + (index - small_classes) / 4;
  const std::size_t quarter = (index - small_classes) % 4;
  return (std::size_t{1} << log) + ((quarter + 1) << (log - 2));
}

struct FreeBlock {
  FreeBlock* next;
};

struct Cache {
  FreeBlock* free[class_count];
  char* slab;
  char* slab_end;
  MemoryStats stats;        // but for `in_use`, which is the difference of these two
  std::int64_t handed_out;  // bytes
  std::int64_t returned;
  std::size_t large_cached;
  bool closed;  // the thread is ending: its tensors may still come back, and go to the system
};

// Trivially constructed and destroyed, so that tensors in static storage may outlive it safely.
constinit thread_local Cache cache{};

void release_large() {
  for (std::size_t index = small_classes; index < class_count; ++index) {
    while (FreeBlock* block = cache.free[index]) {
      cache.free[index] = block->next;
      std::free(block);
      cache.stats.cached -= class_bytes(index);
    }
  }
  cache.large_cached = 0;
}

// What threads leave behind when they end: small blocks cannot go back to the system one by one, so
// the next thread that runs out takes them all.
struct Estate {
  std::mutex mutex;
  FreeBlock* free[small_classes];
  std::atomic<bool> any;

  void leave(FreeBlock* first, std::size_t index) {
    const std::lock_guard lock(mutex);
    while (FreeBlock* block = first) {
      first = block->next;
      block->next = free[index];
      free[index] = block;
    }
    any.store(true, std::memory_order_relaxed);
  }
};

constinit Estate estate{};

void inherit() {
  const std::lock_guard lock(estate.mutex);
  for (std::size_t index = 0; index < small_classes; ++index) {
    while (FreeBlock* block = estate.free[index]) {
      estate.free[index] = block->next;
      block->next = cache.free[index];
      cache.free[index] = block;
      cache.stats.cached += class_bytes(index);
    }
  }
  estate.any.store(false, std::memory_order_relaxed);
}

struct CloseCacheAtThreadExit {
  ~CloseCacheAtThreadExit() {
    release_large();
    // The rest of the slab, in the largest blocks that fit.
    while (cache.slab_end - cache.slab >= static_cast<std::ptrdiff_t>(small_step)) {
      const auto left = static_cast<std::size_t>(cache.slab_end - cache.slab);
      const std::size_t index = class_of(std::min(left, small_limit));
      auto* block = reinterpret_cast<FreeBlock*>(cache.slab);
      cache.slab += class_bytes(index);
      block->next = cache.free[index];
      cache.free[index] = block;
    }
    for (std::size_t index = 0; index < small_classes; ++index) {
      if (cache.free[index] == nullptr) continue;
      estate.leave(cache.free[index], index);
      cache.free[index] = nullptr;
    }
    cache.closed = true;
  }
};

void* from_system(std::size_t bytes) {
  ++cache.stats.system_calls;
  const std::size_t alignment = bytes >= huge_page ? huge_page : small_step;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* block = std::aligned_alloc(alignment, rounded);
  if (block == nullptr) return nullptr;
  if (bytes >= huge_page) madvise(block, rounded, MADV_HUGEPAGE);
  return block;
}

void* from_slab(std::size_t bytes) {
  if (cache.slab == nullptr || static_cast<std::size_t>(cache.slab_end - cache.slab) < bytes) {
    auto* slab = static_cast<char*>(from_system(slab_bytes));
    if (slab == nullptr) return nullptr;
    cache.slab = slab;
    cache.slab_end = slab + slab_bytes;
  }
  void* block = cache.slab;
  cache.slab += bytes;
  return block;
}

[[gnu::noinline]] void* refill(std::size_t index) {
  thread_local CloseCacheAtThreadExit close_cache;
  static_cast<void>(close_cache);
  const std::size_t bytes = class_bytes(index);
  if (index < small_classes && estate.any.load(std::memory_order_relaxed)) {
    inherit();
    if (FreeBlock* head = cache.free[index]) {
      cache.free[index] = head->next;
      cache.stats.cached -= bytes;
      return head;
    }
  }
  void* block = index < small_classes ? from_slab(bytes) : from_system(bytes);
  if (block == nullptr && cache.large_cached > 0) {
    release_large();
    block = index < small_classes ? from_slab(bytes) : from_system(bytes);
  }
  if (block == nullptr) fail("allocate", "expected {} bytes of memory, got none", bytes);
  return block;
}

}  // namespace

void* detail::allocate(std::size_t bytes) {
  if (bytes > std::size_t{1} << 50) fail("allocate", "expected at most 2^50 bytes, got {}", bytes);
  const std::size_t index = class_of(bytes);
  const std::size_t rounded = class_bytes(index);
  void* block = nullptr;
  if (guarded.load(std::memory_order_relaxed)) {
    block = allocate_guarded(bytes);
    if (block == nullptr) fail("allocate", "expected {} bytes of memory, got none", bytes);
  } else if (FreeBlock* head = cache.free[index]) {
    cache.free[index] = head->next;
    cache.stats.cached -= rounded;
    if (index >= small_classes) cache.large_cached -= rounded;
    block = head;
  } else {
    block = refill(index);
  }
  ++cache.stats.allocations;
  cache.handed_out += static_cast<std::int64_t>(rounded);
  cache.stats.peak = std::max(cache.stats.peak, cache.handed_out - cache.returned);
  return block;
}

void detail::deallocate(void* block, std::size_t bytes) noexcept {
  const std::size_t index = class_of(bytes);
  const std::size_t rounded = class_bytes(index);
  cache.returned += static_cast<std::int64_t>(rounded);
  if (guarded.load(std::memory_order_relaxed)) {
    deallocate_guarded(block, bytes);
    return;
  }
  if (index >= small_classes) {
    if (cache.closed ||
        cache.large_cached + rounded > cache_limit.load(std::memory_order_relaxed)) {
      std::free(block);
      return;
    }
    cache.large_cached += rounded;
  }
  auto* head = static_cast<FreeBlock*>(block);
  if (cache.closed) {
    head->next = nullptr;
    estate.leave(head, index);
    return;
  }
  head->next = cache.free[index];
  cache.free[index] = head;
  cache.stats.cached += rounded;
}

void detail::guard_blocks() {
  check(cache.stats.allocations == 0, "guard_blocks", "expected no request before it, got {}",
        cache.stats.allocations);
  guarded.store(true, std::memory_order_relaxed);
}

MemoryStats memory_stats() {
  MemoryStats stats = cache.stats;
  stats.in_use = cache.handed_out - cache.returned;
  return stats;
}

detail::MemoryCounters detail::memory_counters() {
  return {static_cast<std::int64_t>(cache.stats.allocations), cache.handed_out,
          static_cast<std::int64_t>(cache.stats.system_calls)};
}

std::int64_t detail::restart_peak() {
  return std::exchange(cache.stats.peak, cache.handed_out - cache.returned);
}

void detail::raise_peak(std::int64_t peak) { cache.stats.peak = std::max(cache.stats.peak, peak); }

void empty_cache() { release_large(); }

void set_cache_limit(std::size_t bytes) {
  cache_limit.store(bytes, std::memory_order_relaxed);
  if (cache.large_cached > bytes) release_large();
}

}  // namespace reel
