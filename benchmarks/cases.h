#pragma once

// The cases that Reel and its peers run, named once for all sides.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

/// Who runs a case; the last part of its name.
inline constexpr const char* reel_side = "reel";
inline constexpr const char* torch_side = "libtorch";

/// Batches of the lesson's network, 784-128-10, and of its convolutional sister, 1-32-64 with 3x3
/// kernels and pools, then 3136-128-10.
inline const std::vector<std::int64_t> mlp_batches{1, 32, 64, 256, 1024};
inline const std::vector<std::int64_t> cnn_batches{32, 64, 256};

/// Registers `run(state, batch, threads)` as "what/batch:B/threads:T/side" for all batches, with
/// one thread and two.
template <class Run>
void register_cases(const std::string& what, const std::vector<std::int64_t>& batches,
                    const char* side, Run run) {
  for (int threads : {1, 2}) {
    for (std::int64_t batch : batches) {
      const std::string name = what + "/batch:" + std::to_string(batch) +
                               "/threads:" + std::to_string(threads) + "/" + side;
      benchmark::RegisterBenchmark(name.c_str(),
                                   [=](benchmark::State& state) { run(state, batch, threads); })
          ->Unit(benchmark::kMicrosecond)
          ->UseRealTime();
    }
  }
}

}  // namespace bench
