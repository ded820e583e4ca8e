#pragma once

#include "reel/autograd/export.h"

namespace reel {

/// How many threads large operations may use; at first what `OMP_NUM_THREADS` says, else one per
/// core. Small operations always run on the calling thread. Follows `torch.get_num_threads`.
///
/// Threads that wait for their next piece of work spin at first, for milliseconds with GCC's OpenMP:
/// ruinous where other programs want the cores. OpenMP reads its environment before `main`, so it is
/// set there: `OMP_WAIT_POLICY=passive` on a busy machine; `GOMP_SPINCOUNT=4000`, a short spin, on an
/// idle one.
REEL_API int get_num_threads();

/// Sets that number, also for the matrix and convolution libraries beneath. No result of an
/// elementwise operation or a reduction depends on it.
/// Throws `Error` unless `threads` is positive. Follows `torch.set_num_threads`.
REEL_API void set_num_threads(int threads);

}  // namespace reel
