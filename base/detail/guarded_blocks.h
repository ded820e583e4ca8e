#pragma once

#include <cstddef>

#include "reel/base/export.h"

namespace reel::detail {

/// From now on every block of the allocator has pages of its own, and ends where one begins that
/// must not be touched: a kernel that reads or writes past its end stops right there with SIGSEGV,
/// also in code that a sanitizer does not see. What lies before a block in its pages is checked
/// when it is freed, and a new block is full of NaN. For tests: each allocation costs microseconds.
///
/// Throws `Error` if the allocator has already served a request.
REEL_API void guard_blocks();

/// A guarded block of `bytes` bytes, or null when there is no memory.
void* allocate_guarded(std::size_t bytes) noexcept;

/// Ends the program with a message if the block's surroundings have been written to.
void deallocate_guarded(void* block, std::size_t bytes) noexcept;

}  // namespace reel::detail
