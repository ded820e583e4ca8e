#include "reel/kernels/sweep.h"

#include <array>
#include <cstddef>

#include "reel/kernels/flush_denormals.h"
#include "reel/kernels/parallel.h"

namespace reel::kernels::detail {

void sweep(const SweepLoops& loops, const void* formula, const Array& x, const ConstArray& y,
           std::span<const Array> state, bool negate) {
  const auto loop = x.dtype() == float64 ? loops.of_float64 : loops.of_float32;
  const Size item = x.item();
  parallel_for(x.numel(), parallel_grain, [&](Size begin, Size end) {
    const FlushDenormals flush;
    const Size offset = begin * item;
    // More than any formula has; a loop takes them all alike, but y it only reads.
    std::array<void*, 8> from{x.bytes() + offset, const_cast<std::byte*>(y.bytes()) + offset};
    for (std::size_t i = 0; i < state.size(); ++i) {
      if (state[i]) from[i + 2] = state[i].bytes() + offset;
    }
    loop(end - begin, formula, from.data(), negate);
  });
}

}  // namespace reel::kernels::detail
