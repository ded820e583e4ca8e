#pragma once

namespace reel::kernels {

/// From now on the calling thread runs every loop and every product by itself: one of several
/// threads that the machine's CPUs are shared out to already.
void work_alone();

}  // namespace reel::kernels
