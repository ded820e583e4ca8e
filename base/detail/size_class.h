#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "reel/base/allocator.h"

// The allocator's sizes: 64, 128, ... up to a page of 4 KiB and a header, then a header and 4 KiB
// and a quarter, a half, three quarters, 8 KiB and so on.

namespace reel::detail {

inline constexpr std::size_t small_step = 64;
inline constexpr std::size_t largest_small = 4096 + block_header;
inline constexpr std::size_t small_classes = largest_small / small_step;
inline constexpr std::size_t class_count = small_classes + 4 * 40;

/// A class by its number, and how large its blocks are.
struct SizeClass {
  std::size_t index;
  std::size_t bytes;
};

inline SizeClass size_class_of(std::size_t bytes) {
  if (bytes <= largest_small) [[likely]] {
    const std::size_t last = (bytes - (bytes != 0)) / small_step;
    return {last, (last + 1) * small_step};
  }
  const std::size_t last = bytes - block_header - 1;
  const auto log = static_cast<std::size_t>(std::bit_width(last)) - 1;  // at least 12
  const std::size_t quarters = last >> (log - 2);                       // 4 to 7
  return {small_classes + (log - 13) * 4 + quarters, block_header + ((quarters + 1) << (log - 2))};
}

inline std::size_t class_bytes(std::size_t index) {
  if (index < small_classes) return (index + 1) * small_step;
  const std::size_t log = 12 + (index - small_classes) / 4;
  const std::size_t quarter = (index - small_classes) % 4;
  return block_header + (std::size_t{1} << log) + ((quarter + 1) << (log - 2));
}

/// How many blocks of a class change hands at once between threads. A thread keeps two batches at
/// most; none of the largest blocks, which are worth a lock.
inline std::uint32_t batch_of(std::size_t index) {
  constexpr std::size_t batch_bytes = std::size_t{128} << 10, largest_kept = std::size_t{1} << 20;
  const std::size_t bytes = class_bytes(index);
  if (bytes > largest_kept + block_header) return 0;
  return static_cast<std::uint32_t>(std::max<std::size_t>(1, batch_bytes / bytes));
}

}  // namespace reel::detail
