#include "reel/base/allocator.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <utility>
#include <vector>

#include "reel/base/detail/guarded_blocks.h"
#include "reel/base/detail/memory_counters.h"
#include "reel/base/detail/shared_blocks.h"
#include "reel/base/detail/size_class.h"
#include "reel/base/fail.h"

namespace reel {
namespace {

using detail::batch_of;
using detail::FreeBlock;
using detail::size_class_of;
using detail::SizeClass;
using detail::small_classes;

constexpr std::size_t slab_bytes = std::size_t{256} << 10;
// A thread tells the others when its share of what is in use has changed by more than this.
constexpr std::int64_t untold_bytes = 64 << 10;

/// A number that only one thread changes and others may read.
class Count {
 public:
  std::int64_t get() const { return value_.load(std::memory_order_relaxed); }
  /// Returns what it is now.
  std::int64_t add(std::int64_t n) {
    const std::int64_t now = get() + n;
    value_.store(now, std::memory_order_relaxed);
    return now;
  }

 private:
  std::atomic<std::int64_t> value_;
};

struct Totals {
  std::int64_t in_use = 0;
  std::int64_t allocations = 0;
  std::int64_t system_calls = 0;
};

/// The free blocks of one size: those at hand, room for more, and perhaps a full batch besides.
/// Without room, as at first, a block that comes back takes the slow way.
struct List {
  FreeBlock* first;
  FreeBlock* spare;
  std::uint32_t room;

  void push(FreeBlock* block) {
    block->next = first;
    first = block;
    --room;
  }
  FreeBlock* pop() {
    ++room;
    return std::exchange(first, first->next);
  }
};

enum class State { fresh, open, closed };  // closed: the thread is ending, but tensors still move

struct Cache {
  List lists[detail::class_count];
  detail::Slab slab;
  Count in_use;  // bytes
  Count allocations;
  Count system_calls;
  std::int64_t handed_out;  // bytes
  std::int64_t peak;        // of what is in use, since it was last restarted
  std::int64_t told;        // what the others know to be in use here
  std::int64_t low, high;   // within these, neither peak nor told need to change
  Cache* next;              // in the register
  Cache* previous;
  State state;

  Totals totals() const { return {in_use.get(), allocations.get(), system_calls.get()}; }
};

// Trivially constructed and destroyed, so that tensors in static storage may outlive it safely.
constinit thread_local Cache cache{};
constinit detail::SharedBlocks shared{};
constinit std::atomic<bool> guarded{false};  // set before the first request, if at all

// What is in use of all threads, as far as they have told.
constinit std::atomic<std::int64_t> told_in_use{0};
constinit std::atomic<std::int64_t> told_peak{0};

void raise(std::atomic<std::int64_t>& peak, std::int64_t to) {
  std::int64_t before = peak.load(std::memory_order_relaxed);
  while (before < to && !peak.compare_exchange_weak(before, to, std::memory_order_relaxed)) {
  }
}

void set_marks() {
  cache.low = cache.told - untold_bytes;
  cache.high = std::min(cache.peak, cache.told + untold_bytes);
}

void tell() {
  const std::int64_t change = cache.in_use.get() - cache.told;
  cache.told += change;
  raise(told_peak, told_in_use.fetch_add(change, std::memory_order_relaxed) + change);
  set_marks();
}

/// What is in use has passed one of the marks.
[[gnu::noinline]] void pass_mark() {
  const std::int64_t in_use = cache.in_use.get();
  cache.peak = std::max(cache.peak, in_use);
  if (std::abs(in_use - cache.told) > untold_bytes) {
    tell();
  } else {
    set_marks();
  }
}

/// The caches of all threads that run, and the sums of those that ended.
class Register {
 public:
  void enter(Cache& one) {
    const std::lock_guard lock(mutex_);
    one.next = first_;
    if (first_ != nullptr) first_->previous = &one;
    first_ = &one;
  }

  void leave(Cache& one) {
    const std::lock_guard lock(mutex_);
    if (one.next != nullptr) one.next->previous = one.previous;
    (one.previous != nullptr ? one.previous->next : first_) = one.next;
    add(one.totals());
  }

  /// What a thread does after it has left.
  void add_late(const Totals& more) {
    const std::lock_guard lock(mutex_);
    add(more);
  }

  Totals sum() {
    const std::lock_guard lock(mutex_);
    Totals all = ended_;
    for (const Cache* one = first_; one != nullptr; one = one->next) {
      const Totals totals = one->totals();
      all.in_use += totals.in_use;
      all.allocations += totals.allocations;
      all.system_calls += totals.system_calls;
    }
    return all;
  }

 private:
  void add(const Totals& more) {
    ended_.in_use += more.in_use;
    ended_.allocations += more.allocations;
    ended_.system_calls += more.system_calls;
  }

  std::mutex mutex_;
  Cache* first_ = nullptr;
  Totals ended_;
};

constinit Register everyone{};

/// What others drop in `empty_cache`. Never destroyed: that may be called when the program ends.
struct Drops {
  std::mutex mutex;
  std::vector<void (*)()> functions;
};

Drops& drops() {
  static auto* const registered = new Drops;
  return *registered;
}

/// How many blocks a list of this thread holds at hand.
std::uint32_t capacity(std::size_t index) {
  const bool keeps = cache.state == State::open && !guarded.load(std::memory_order_relaxed);
  return keeps ? batch_of(index) : 0;
}

/// Adds a block to a list of this thread, and hands a batch to the others if that is full.
void put(FreeBlock* block, std::size_t index) noexcept {
  List& list = cache.lists[index];
  if (list.room == 0) {
    if (list.spare != nullptr) shared.give(index, list.spare, capacity(index));
    list = {.first = nullptr, .spare = list.first, .room = capacity(index)};
  }
  list.push(block);
}

void release_large() {
  for (std::size_t index = small_classes; index < detail::class_count; ++index) {
    List& list = cache.lists[index];
    return_to_system(index, std::exchange(list.first, nullptr));
    return_to_system(index, std::exchange(list.spare, nullptr));
    list.room = capacity(index);
  }
  shared.trim(0);
}

/// What is left of the slab becomes a block.
void keep_rest() {
  if (cache.slab.bytes() == 0) return;
  const std::size_t bytes = cache.slab.bytes();  // a whole number of steps
  put(reinterpret_cast<FreeBlock*>(cache.slab.begin), size_class_of(bytes).index);
}

/// Leaves the blocks to the other threads.
void close() {
  if (cache.slab.bytes() >= detail::largest_small) {
    shared.give_slab(cache.slab);
  } else {
    keep_rest();
  }
  cache.slab = {};
  for (std::size_t index = 0; index < detail::class_count; ++index) {
    List& list = cache.lists[index];
    if (list.first != nullptr) shared.give(index, list.first, capacity(index) - list.room);
    if (list.spare != nullptr) shared.give(index, list.spare, capacity(index));
    list = {};
  }
  tell();
  everyone.leave(cache);
  cache.state = State::closed;
}

void open() {
  cache.state = State::open;
  everyone.enter(cache);
  for (std::size_t index = 0; index < detail::class_count; ++index) {
    cache.lists[index].room = capacity(index);
  }
  struct AtThreadExit {
    ~AtThreadExit() { close(); }
  };
  thread_local const AtThreadExit at_thread_exit;
  static_cast<void>(at_thread_exit);
}

void* from_system(std::size_t bytes) {
  cache.system_calls.add(1);
  void* block = detail::take_from_system(bytes);
  if (block != nullptr) return block;
  release_large();
  return detail::take_from_system(bytes);
}

void* from_slab(std::size_t bytes) {
  if (cache.slab.bytes() < bytes) {
    detail::Slab slab = shared.take_slab();
    if (slab.begin == nullptr) {
      slab.begin = static_cast<char*>(from_system(slab_bytes));
      if (slab.begin == nullptr) return nullptr;
      slab.end = slab.begin + slab_bytes;
    }
    keep_rest();
    cache.slab = slab;
  }
  return std::exchange(cache.slab.begin, cache.slab.begin + bytes);
}

/// Makes a batch the list of this thread, which is empty, and takes its first block.
FreeBlock* take_first(std::size_t index, FreeBlock* batch, std::size_t count) {
  List& list = cache.lists[index];
  list.first = batch;
  list.room = capacity(index) - static_cast<std::uint32_t>(count);
  return list.pop();
}

void* take_elsewhere(std::size_t bytes, SizeClass size) {
  if (cache.state == State::fresh) open();
  const auto [index, rounded] = size;
  void* block = nullptr;
  if (guarded.load(std::memory_order_relaxed)) {
    block = detail::allocate_guarded(bytes);
  } else if (List& list = cache.lists[index]; list.spare != nullptr) {
    return take_first(index, std::exchange(list.spare, nullptr), capacity(index));
  } else if (FreeBlock* batch = shared.take(index)) {
    if (capacity(index) > 0) return take_first(index, batch, batch->count);
    if (batch->next != nullptr) shared.give(index, batch->next, batch->count - 1);
    block = batch;
  } else {
    block = index < small_classes && cache.state == State::open ? from_slab(rounded)
                                                                : from_system(rounded);
  }
  if (block == nullptr) fail("allocate", "expected {} bytes of memory, got none", bytes);
  if (cache.state == State::closed)
    everyone.add_late({.in_use = static_cast<std::int64_t>(rounded), .allocations = 1});
  return block;
}

void put_elsewhere(void* block, std::size_t bytes, SizeClass size) noexcept {
  if (cache.state == State::fresh) open();
  if (cache.state == State::closed)
    everyone.add_late({.in_use = -static_cast<std::int64_t>(size.bytes)});
  if (guarded.load(std::memory_order_relaxed)) return detail::deallocate_guarded(block, bytes);
  auto* head = static_cast<FreeBlock*>(block);
  if (capacity(size.index) == 0) return shared.give_one(size.index, head);
  put(head, size.index);
}

/// Counts what this thread has taken; true when that passes a mark.
bool count_taken(Cache& one, std::size_t bytes) {
  const auto more = static_cast<std::int64_t>(bytes);
  one.allocations.add(1);
  one.handed_out += more;
  return one.in_use.add(more) > one.high;
}

bool count_returned(Cache& one, std::size_t bytes) {
  return one.in_use.add(-static_cast<std::int64_t>(bytes)) < one.low;
}

// The rare cases stand apart and are called last, so that the usual ones save no registers.

[[gnu::noinline]] void* take_past_mark(void* block) {
  pass_mark();
  return block;
}

[[gnu::noinline]] void* take_slowly(std::size_t bytes) {
  if (bytes > std::size_t{1} << 50) fail("allocate", "expected at most 2^50 bytes, got {}", bytes);
  const SizeClass size = size_class_of(bytes);
  List& list = cache.lists[size.index];
  void* block = list.first != nullptr ? list.pop() : take_elsewhere(bytes, size);
  return count_taken(cache, size.bytes) ? take_past_mark(block) : block;
}

[[gnu::noinline]] void put_slowly(void* block, std::size_t bytes) noexcept {
  const SizeClass size = size_class_of(bytes);
  if (cache.in_use.get() < cache.low) pass_mark();
  if (cache.lists[size.index].room == 0) return put_elsewhere(block, bytes, size);
  cache.lists[size.index].push(static_cast<FreeBlock*>(block));
}

}  // namespace

void* detail::allocate(std::size_t bytes) {
  if (bytes > largest_small) return take_slowly(bytes);
  const SizeClass size = size_class_of(bytes);
  Cache& here = cache;
  List& list = here.lists[size.index];
  if (list.first == nullptr) [[unlikely]]
    return take_slowly(bytes);
  void* block = list.pop();
  if (count_taken(here, size.bytes)) [[unlikely]]
    return take_past_mark(block);
  return block;
}

void detail::deallocate(void* block, std::size_t bytes) noexcept {
  const SizeClass size = size_class_of(bytes);
  Cache& here = cache;
  List& list = here.lists[size.index];
  if (count_returned(here, size.bytes) || list.room == 0) [[unlikely]]
    return put_slowly(block, bytes);
  list.push(static_cast<FreeBlock*>(block));
}

void detail::guard_blocks() {
  const std::size_t served = memory_stats().allocations;
  check(served == 0, "guard_blocks", "expected no request before it, got {}", served);
  guarded.store(true, std::memory_order_relaxed);
}

MemoryStats memory_stats() {
  const Totals all = everyone.sum();
  const std::int64_t taken = detail::system_bytes.load(std::memory_order_relaxed);
  raise(told_peak, all.in_use);
  return {.in_use = all.in_use,
          .cached = static_cast<std::size_t>(std::max<std::int64_t>(0, taken - all.in_use)),
          .peak = told_peak.load(std::memory_order_relaxed),
          .allocations = static_cast<std::size_t>(all.allocations),
          .system_calls = static_cast<std::size_t>(all.system_calls)};
}

detail::MemoryCounters detail::memory_counters() {
  return {cache.allocations.get(), cache.handed_out, cache.system_calls.get()};
}

std::int64_t detail::memory_in_use() { return cache.in_use.get(); }

std::int64_t detail::memory_peak() { return cache.peak; }

std::int64_t detail::restart_peak() {
  const std::int64_t before = std::exchange(cache.peak, cache.in_use.get());
  set_marks();
  return before;
}

void detail::raise_peak(std::int64_t peak) {
  cache.peak = std::max(cache.peak, peak);
  set_marks();
}

void detail::on_empty_cache(void (*drop)()) {
  const std::lock_guard lock(drops().mutex);
  drops().functions.push_back(drop);
}

void empty_cache() {
  release_large();
  {
    const std::lock_guard lock(drops().mutex);
    for (void (*drop)() : drops().functions) drop();
  }
#ifdef __GLIBC__
  malloc_trim(0);  // else the C library keeps all pages but the last
#endif
}

void set_cache_limit(std::size_t bytes) { shared.set_limit(bytes); }

}  // namespace reel
