#pragma once

#include <cstddef>
#include <cstdint>

#include "reel/base/export.h"

namespace reel {

/// What the caching allocator holds for all threads together, in bytes.
struct MemoryStats {
  std::int64_t in_use = 0;       ///< handed out and not yet returned
  std::size_t cached = 0;        ///< taken from the system and waiting for the next request
  std::int64_t peak = 0;         ///< the largest `in_use` so far, to within 64 KiB a thread
  std::size_t allocations = 0;   ///< requests served
  std::size_t system_calls = 0;  ///< requests that no waiting block could serve
};

/// Statistics of the memory behind tensors and of the kernels' workspaces. What the process holds
/// besides is not in them: memory that others allocated (`from_blob`), containers of the standard
/// library, and the kernels that oneDNN generates, up to 0.2 MB for each of the last few hundred
/// shapes of convolutions and products.
REEL_API MemoryStats memory_stats();

/// Gives waiting blocks above 4 KiB back to the system, but for those that other threads keep to
/// themselves (see `set_cache_limit`). Smaller ones live in slabs that stay until the process ends.
/// Drops the kernels that oneDNN has generated, too. Follows `torch.cuda.empty_cache`.
REEL_API void empty_cache();

/// Bytes of blocks above 4 KiB that may wait where every thread finds them; what comes back beyond
/// goes to the system. 1 GiB unless set. Each thread keeps besides, for itself, at most two blocks
/// of each size up to 1 MiB, or 256 KiB of smaller ones.
REEL_API void set_cache_limit(std::size_t bytes);

namespace detail {

/// Sizes are rounded up in such a way that a power of two fits with this many bytes before it: what
/// a tensor's storage needs.
inline constexpr std::size_t block_header = 64;

/// A cached block of at least `bytes` bytes, aligned to 64; from 2 MiB up backed by huge pages
/// where the system grants them. Throws `Error` when there is no memory.
///
/// A training step asks for the same sizes over and over. The C library maps and unmaps every
/// large buffer, and the page faults that follow cost more than the arithmetic; here a returned
/// block waits in a list of its size class (64-byte steps up to 4 KiB, then quarter powers of two)
/// for the next request. Threads have lists of their own, and share what is more than a batch or
/// two: what one thread makes, another may free.
REEL_API void* allocate(std::size_t bytes);

/// Returns a block, on any thread; `bytes` must be what it was asked for.
REEL_API void deallocate(void* block, std::size_t bytes) noexcept;

/// Has every `empty_cache` call `drop` too: for others who keep what they may need again.
REEL_API void on_empty_cache(void (*drop)());

}  // namespace detail
}  // namespace reel
