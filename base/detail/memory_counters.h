#pragma once

#include <cstdint>

#include "reel/base/export.h"

namespace reel::detail {

/// What the calling thread's allocator has counted so far, for the profiler. These only grow.
struct MemoryCounters {
  std::int64_t allocations = 0;   // requests served
  std::int64_t bytes = 0;         // handed out with them
  std::int64_t system_calls = 0;  // requests that the cache could not serve

  friend MemoryCounters operator-(const MemoryCounters& a, const MemoryCounters& b) {
    return {a.allocations - b.allocations, a.bytes - b.bytes, a.system_calls - b.system_calls};
  }
  MemoryCounters& operator+=(const MemoryCounters& other) {
    allocations += other.allocations;
    bytes += other.bytes;
    system_calls += other.system_calls;
    return *this;
  }
};

REEL_API MemoryCounters memory_counters();

/// Bytes that the calling thread was handed less those that came back on it.
REEL_API std::int64_t memory_in_use();

/// The largest `memory_in_use()` since `restart_peak`.
REEL_API std::int64_t memory_peak();

/// Lets the calling thread's peak start anew at what is in use; returns what it was.
REEL_API std::int64_t restart_peak();

/// Raises the calling thread's peak to at least `peak`: undoes `restart_peak`.
REEL_API void raise_peak(std::int64_t peak);

}  // namespace reel::detail
