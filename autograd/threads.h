#pragma once

#include "reel/autograd/export.h"

namespace reel {

/// How many threads large operations may use; at first what `OMP_NUM_THREADS` says, else one per
/// core. Small operations always run on the calling thread. Follows `torch.get_num_threads`.
REEL_API int get_num_threads();

/// Sets that number, also for the matrix and convolution libraries beneath. No result of an
/// elementwise operation or a reduction depends on it.
/// Throws `Error` unless `threads` is positive. Follows `torch.set_num_threads`.
REEL_API void set_num_threads(int threads);

}  // namespace reel
