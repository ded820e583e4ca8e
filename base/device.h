#pragma once

#include <cstdint>

namespace reel {

/// Where a tensor's elements lie, and where an op on it runs. The CPU is the only device so far.
enum class Device : std::uint8_t {
  cpu,  ///< the memory and the threads of this process
};

namespace detail {
inline constexpr const char* device_names[] = {"cpu"};  // in the order of `Device`
}

/// Its name as PyTorch writes it: "cpu".
constexpr const char* name(Device device) { return detail::device_names[static_cast<int>(device)]; }

}  // namespace reel
