#include "reel/base/allocator.h"

#include <doctest/doctest.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "reel/autograd/tensor.h"
#include "reel/base/error.h"
#include "reel/base/threads.h"
#include "reel/ops/ops.h"
#include "support/skip.h"

using namespace reel;

namespace {

/// What the allocator has taken from the system.
std::int64_t taken() {
  const MemoryStats stats = memory_stats();
  return stats.in_use + static_cast<std::int64_t>(stats.cached);
}

/// Has a thread make `count` tensors, which this thread drops, with at most `waiting` in between.
void hand_over(int count, std::size_t waiting, const std::function<Tensor()>& make) {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Tensor> queue;
  std::thread maker([&] {
    for (int i = 0; i < count; ++i) {
      Tensor made = make();
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return queue.size() < waiting; });
      queue.push_back(std::move(made));
      changed.notify_one();
    }
  });
  for (int i = 0; i < count; ++i) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return !queue.empty(); });
    const Tensor dropped = std::move(queue.front());
    queue.pop_front();
    changed.notify_one();
    lock.unlock();
  }
  maker.join();
}

}  // namespace

TEST_CASE("blocks are aligned to 64 bytes, large ones to huge pages") {
  for (std::size_t bytes : {0UL, 1UL, 64UL, 65UL, 4096UL, 4097UL, 100000UL, 3UL << 20}) {
    void* block = detail::allocate(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % 64 == 0);
    if (bytes >= std::size_t{2} << 20)
      CHECK(reinterpret_cast<std::uintptr_t>(block) % (2 << 20) == 0);
    std::memset(block, 1, bytes);
    detail::deallocate(block, bytes);
  }
}

TEST_CASE("a returned block serves the next request of its size") {
  void* first = detail::allocate(123456);
  detail::deallocate(first, 123456);
  const std::size_t calls = memory_stats().system_calls;
  void* second = detail::allocate(123450);
  CHECK(second == first);
  CHECK(memory_stats().system_calls == calls);
  detail::deallocate(second, 123450);
}

TEST_CASE("statistics follow what is handed out") {
  const MemoryStats before = memory_stats();
  {
    const Tensor x = empty({1000, 1000});
    CHECK(memory_stats().in_use >= before.in_use + 4'000'000);
    CHECK(memory_stats().peak >= memory_stats().in_use);
  }
  CHECK(memory_stats().in_use == before.in_use);
}

TEST_CASE("the cache can be emptied and limited") {
  { const Tensor x = empty({1000, 1000}); }
  CHECK(memory_stats().cached >= 4'000'000);
  const std::size_t cached = memory_stats().cached;
  empty_cache();
  CHECK(memory_stats().cached <= cached - 4'000'000);
  set_cache_limit(0);
  const std::size_t small = memory_stats().cached;
  { const Tensor x = empty({1000, 1000}); }
  CHECK(memory_stats().cached <= small + 4096);
  set_cache_limit(std::size_t{1} << 30);
}

TEST_CASE("a power of two of elements takes no more memory than they and a header") {
  const std::size_t header = 64;
  for (std::size_t bytes = 1024; bytes <= std::size_t{64} << 20; bytes *= 2) {
    CAPTURE(bytes);
    const std::int64_t before = memory_stats().in_use;
    void* block = detail::allocate(header + bytes);
    CHECK(memory_stats().in_use - before == static_cast<std::int64_t>(header + bytes));
    detail::deallocate(block, header + bytes);
  }
}

TEST_CASE("a tensor may be freed by another thread than made it") {
  const std::int64_t before = memory_stats().in_use;
  std::vector<Tensor> made;
  std::thread([&] {
    for (int i = 0; i < 100; ++i) made.push_back(empty({i * 100}));
  }).join();
  CHECK(memory_stats().in_use >= before + 4950 * 400);
  const std::size_t cached = memory_stats().cached;
  made.clear();
  CHECK(memory_stats().in_use == before);
  CHECK(memory_stats().cached > cached);
}

TEST_CASE("memory handed from one thread to another comes back") {
  const auto grows_by = [](int count, std::size_t waiting, const std::function<Tensor()>& make) {
    hand_over(count / 10, waiting, make);  // as much as is in flight, and what each side keeps
    const std::int64_t before = taken();
    hand_over(count, waiting, make);
    return taken() - before;
  };
  const std::int64_t megabyte = 1 << 20;
  CHECK(grows_by(100'000, 64, [] { return empty({16}); }) < 2 * megabyte);
  CHECK(grows_by(20'000, 64, [] { return empty({900}); }) < 2 * megabyte);
  CHECK(grows_by(3'000, 8, [] { return empty({25'000}); }) < 2 * megabyte);
  CHECK(grows_by(400, 8, [] { return empty({500'000}); }) < 32 * megabyte);
}

TEST_CASE("what a thread leaves behind serves the next") {
  const auto epoch = [] {
    std::vector<Tensor> batches;
    std::thread([&] {
      for (int i = 0; i < 20; ++i) {
        batches.push_back(empty({64, 28 * 28}));
        batches.push_back(empty({64}));
      }
    }).join();
  };
  epoch();
  const std::int64_t before = taken();
  for (int i = 0; i < 20; ++i) epoch();
  CHECK(taken() - before < 1 << 20);
}

TEST_CASE("the cache can be emptied of what other threads left") {
  std::thread([] {
    std::vector<Tensor> kept;
    for (int i = 0; i < 10; ++i) kept.push_back(empty({100'000}));
  }).join();
  const std::size_t cached = memory_stats().cached;
  CHECK(cached >= 4'000'000);
  empty_cache();
  CHECK(memory_stats().cached <= cached - 4'000'000);
}

#ifdef __GLIBC__
TEST_CASE("the cache can be emptied of the kernels that oneDNN generates") {
  const int threads = get_num_threads();
  set_num_threads(1);  // others drop theirs when they next need one
  const auto in_c_library = [] { return mallinfo2().uordblks; };
  const Tensor w = randn({16, 8, 3, 3});
  conv2d(randn({1, 8, 9, 9}), w);
  empty_cache();
  const std::size_t before = in_c_library();
  for (Size size = 10; size < 110; ++size) conv2d(randn({1, 8, 10, size}), w);
  const std::size_t used = in_c_library();
  empty_cache();
  set_num_threads(threads);
  if (used == before) REEL_SKIP("a sanitizer's memory cannot be counted");
  CHECK(used > before + 500'000);
  CHECK(in_c_library() < before + 100'000);
}
#endif

TEST_CASE("a thread's last tensors may outlive its cache") {
  const std::int64_t before = memory_stats().in_use;
  std::thread([] {
    struct Late {
      Tensor small, large;
      ~Late() { small = empty({7}); }
    };
    thread_local Late late;  // exists before the thread's first block: it goes after the last
    late.small = empty({100});
    late.large = empty({1'000'000});
  }).join();
  CHECK(memory_stats().in_use == before);
}

TEST_CASE("the peak counts all threads together") {
  const std::int64_t before = memory_stats().in_use;
  const Tensor here = empty({20'000'000});
  std::thread([] { const Tensor there = empty({20'000'000}); }).join();
  CHECK(memory_stats().peak >= before + 160'000'000);
}

TEST_CASE("a request that no machine can meet is an error") {
  CHECK_THROWS_AS(detail::allocate(std::size_t{1} << 60), Error);
}
