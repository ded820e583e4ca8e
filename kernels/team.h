#pragma once

// Internal: the threads behind `parallel_for`.
//
// A loop is cut into pieces, and every thread gets its share of them. Nobody depends on a helper:
// the caller takes what others have not begun, so that one that sleeps, that the system has no CPU
// for, or that it refuses to make, costs nothing but its help. Helpers spin shortly between loops,
// as long as they are needed again at once, and else sleep; they are woken where the work is worth
// it, and left alone for a while where they cost more than they save, as beside other programs. All
// of it is measured as it runs: nothing is to be set. Which thread does a piece changes no result,
// because the pieces' results do not depend on where they begin and end.
//
// There is one team. A second thread that comes while it is taken works alone, and so does a loop
// within a loop. After a fork, the child makes threads of its own when it needs them.

#include "reel/base/dtype.h"

namespace reel::kernels::detail {

using Range = void (*)(void* context, Size begin, Size end);

/// A loop over `[0, n)` cut into pieces of `length`; the last may be shorter.
struct Split {
  Range range = nullptr;
  void* context = nullptr;
  Size n = 0, length = 0;

  Size pieces() const { return (n + length - 1) / length; }
};

/// Whether this thread is within such a loop, or within a parallel region of OpenMP.
bool in_split();

/// Runs the pieces on the calling thread and up to `threads` - 1 others. Throws what one of them
/// threw, after all have finished.
void run_on_team(const Split& split, int threads);

}  // namespace reel::kernels::detail
