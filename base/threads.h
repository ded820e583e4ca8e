#pragma once

#include "reel/base/export.h"

namespace reel {

/// How many threads large operations may use; at first what `OMP_NUM_THREADS` says, else as many as
/// the process has CPUs: those it is bound to, or fewer where a control group's quota (a
/// container's) is worth fewer. Small operations always run on the calling thread. Follows
/// `torch.get_num_threads`.
///
/// Nothing else is to be set, on an idle machine or a busy one. The threads are Reel's own: they
/// spin for a fraction of a millisecond between two operations, then sleep, and are left out for a
/// while where other programs keep them from their CPUs. Several threads may call Reel at once: one
/// of them at a time has the others' help. A forked child makes its own.
REEL_API int get_num_threads();

/// Sets that number. No result depends on it, to the last bit: work is cut by its shape. Results do
/// depend on the processor: kernels for SSE, AVX2 and AVX-512 add in different orders, and the last
/// digits differ. `REEL_ISA` (`v2`, `v3`, `v4`) holds Reel's to one of them, `ONEDNN_MAX_CPU_ISA`
/// oneDNN's.
/// Throws `Error` unless `threads` is positive. Follows `torch.set_num_threads`.
REEL_API void set_num_threads(int threads);

}  // namespace reel
