#include "reel/kernels/parallel.h"

#include <algorithm>

#include "reel/base/threads.h"

namespace reel::kernels::detail {
namespace {

Size count_threads(Size n, Size grain) {
  return std::min<Size>(get_num_threads(), n / std::max<Size>(grain, 1));
}

}  // namespace

bool worth_splitting(Size n, Size grain) { return count_threads(n, grain) > 1 && !in_split(); }

void parallel_ranges(Size n, Size grain, Size per_thread, Range range, void* context) {
  const Size threads = count_threads(n, grain);
  const Size pieces =
      threads * std::clamp<Size>(n / (std::max<Size>(grain, 1) * threads), 1, per_thread);
  // Whole cache lines, so that two threads do not write to the same one.
  const Size step = grain >= 64 ? 64 : 1;
  const Size length = ((n + pieces - 1) / pieces + step - 1) / step * step;
  run_on_team({range, context, n, length}, static_cast<int>(threads));
}

}  // namespace reel::kernels::detail
