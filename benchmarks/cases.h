#pragma once

// The cases that Reel and its peers run, described once: both sides register the same names.

#include <cstdint>

namespace bench {

/// Who runs a case; the last part of its name.
inline constexpr const char* reel_side = "reel";
inline constexpr const char* torch_side = "libtorch";

/// The lesson's network 784-128-10 and its convolutional sister 1-32-64 (3x3), 3136-128-10.
inline constexpr std::int64_t mlp_batches[] = {1, 32, 64, 256, 1024};
inline constexpr std::int64_t cnn_batches[] = {32, 64, 256};
inline constexpr int thread_counts[] = {1, 2};

}  // namespace bench
