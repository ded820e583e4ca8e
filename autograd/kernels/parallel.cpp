#include "reel/autograd/kernels/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>

#include "reel/autograd/fail.h"
#include "reel/autograd/threads.h"

namespace reel {
namespace {

// OpenMP keeps its own number per calling thread; this one holds for all of them.
std::atomic<int> wanted_threads{0};

}  // namespace

int get_num_threads() {
  const int wanted = wanted_threads.load(std::memory_order_relaxed);
  return wanted > 0 ? wanted : omp_get_max_threads();
}

void set_num_threads(int threads) {
  check(threads > 0, "set_num_threads", "expected a positive number of threads, got {}", threads);
  wanted_threads.store(threads, std::memory_order_relaxed);
  omp_set_num_threads(threads);
}

namespace kernels::detail {
namespace {

Size count_pieces(Size n, Size grain) {
  return std::min<Size>(get_num_threads(), n / std::max<Size>(grain, 1));
}

}  // namespace

bool worth_splitting(Size n, Size grain) {
  return count_pieces(n, grain) > 1 && omp_in_parallel() == 0;
}

void parallel_ranges(Size n, Size grain, Range range, void* context) {
  const Size pieces = count_pieces(n, grain);
  // Whole cache lines, so that two threads do not write to the same one.
  const Size step = grain >= 64 ? 64 : 1;
  const Size length = ((n + pieces - 1) / pieces + step - 1) / step * step;
  std::exception_ptr thrown;  // none may leave a parallel region
#pragma omp parallel for num_threads(static_cast <int>(pieces)) schedule(static, 1)
  for (Size piece = 0; piece < pieces; ++piece) {
    const Size begin = std::min(n, piece * length);
    const Size end = std::min(n, begin + length);
    if (begin >= end) continue;
    try {
      range(context, begin, end);
    } catch (...) {
#pragma omp critical(reel_parallel_ranges)
      if (thrown == nullptr) thrown = std::current_exception();
    }
  }
  if (thrown != nullptr) std::rethrow_exception(thrown);
}

}  // namespace kernels::detail
}  // namespace reel
