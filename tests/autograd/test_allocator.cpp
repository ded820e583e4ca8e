#include "reel/autograd/allocator.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "reel/autograd/error.h"
#include "reel/autograd/tensor.h"

using namespace reel;

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

TEST_CASE("a tensor may be freed by another thread than made it") {
  std::vector<Tensor> made;
  std::thread([&] {
    for (int i = 0; i < 100; ++i) made.push_back(empty({i * 100}));
  }).join();
  const auto before = memory_stats().cached;
  made.clear();
  CHECK(memory_stats().cached > before);  // the blocks now wait on this thread
}

TEST_CASE("a request that no machine can meet is an error") {
  CHECK_THROWS_AS(detail::allocate(std::size_t{1} << 60), Error);
}
