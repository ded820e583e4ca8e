#pragma once

#include <cstdint>

#include "reel/base/dtype.h"
#include "reel/base/export.h"

namespace reel::datasets::detail {

/// Bytes of one drawn garment: 28 rows of 28 grey pixels.
inline constexpr Size garment_bytes = 28 * 28;

/// Draws a garment of class `label` (0 to 9, Fashion-MNIST's order) into `out`; the picture depends
/// on the arguments alone.
REEL_API void draw_garment(std::uint8_t* out, int label, std::uint64_t seed, std::uint64_t index);

}  // namespace reel::datasets::detail
