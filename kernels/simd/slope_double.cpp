#include "reel/kernels/simd/slope_loops.h"

namespace reel::kernels::REEL_ISA {

template void set_slopes<double>(SlopeTable& table);

}  // namespace reel::kernels::REEL_ISA
