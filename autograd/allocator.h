#pragma once

#include <cstddef>
#include <cstdint>

#include "reel/autograd/export.h"

namespace reel {

/// What the caching allocator holds, in bytes.
struct MemoryStats {
  std::int64_t in_use = 0;       ///< handed out on this thread less what came back on it
  std::size_t cached = 0;        ///< returned by this thread and kept for its next request
  std::int64_t peak = 0;         ///< the largest `in_use` seen on this thread
  std::size_t allocations = 0;   ///< requests served on this thread
  std::size_t system_calls = 0;  ///< requests that the cache could not serve
};

/// Statistics of the calling thread's cache. Blocks that another thread returns count there.
REEL_API MemoryStats memory_stats();

/// Gives the calling thread's cached blocks above 4 KiB back to the system.
/// Smaller ones live in slabs that stay until the process ends.
REEL_API void empty_cache();

/// Bytes of blocks above 4 KiB that one thread keeps for reuse before it returns more to the
/// system; 1 GiB unless set.
REEL_API void set_cache_limit(std::size_t bytes);

namespace detail {

/// A cached block of at least `bytes` bytes, aligned to 64; from 2 MiB up backed by huge pages
/// where the system grants them. Throws `Error` when there is no memory.
///
/// A training step asks for the same sizes over and over. The C library maps and unmaps every
/// large buffer, and the page faults that follow cost more than the arithmetic; here a returned
/// block waits in a per-thread list of its size class (64-byte steps up to 4 KiB, then quarter
/// powers of two) for the next request.
REEL_API void* allocate(std::size_t bytes);

/// Returns a block; `bytes` must be what it was asked for.
REEL_API void deallocate(void* block, std::size_t bytes) noexcept;

}  // namespace detail
}  // namespace reel
