#include "reel/kernels/simd/unary_loops.h"

namespace reel::kernels::REEL_ISA {

template void set_unary<float>(UnaryTable& table);

}  // namespace reel::kernels::REEL_ISA
