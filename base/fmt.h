#pragma once

// Lets {fmt} format shapes, dtypes and devices; `autograd/fmt.h` adds tensors.

#include <fmt/format.h>

#include <string_view>

#include "reel/base/device.h"
#include "reel/base/dtype.h"
#include "reel/base/shape.h"

/// As `[64, 3, 3, 3]`.
template <>
struct fmt::formatter<reel::Shape> : fmt::formatter<std::string_view> {
  auto format(const reel::Shape& shape, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(reel::to_string(shape), context);
  }
};

/// As `float32`.
template <>
struct fmt::formatter<reel::DType> : fmt::formatter<std::string_view> {
  auto format(reel::DType dtype, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(reel::name(dtype), context);
  }
};

/// As `cpu`.
template <>
struct fmt::formatter<reel::Device> : fmt::formatter<std::string_view> {
  auto format(reel::Device device, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(reel::name(device), context);
  }
};
