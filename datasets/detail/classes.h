#pragma once

#include <cstdint>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel::datasets::detail {

/// The samples of each class, in ascending order of classes, each class shuffled by `seed` and
/// `stream`. `labels`: integers `[size]`, of any values. Throws an `Error` of `op` for others.
std::vector<std::vector<Size>> samples_by_class(const char* op, const Tensor& labels, Size size,
                                                std::uint64_t seed, std::uint64_t stream = 0);

}  // namespace reel::datasets::detail
