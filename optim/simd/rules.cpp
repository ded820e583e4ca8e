// The formulas of all elementwise optimizers, and of averages of parameters.

#include "reel/kernels/simd/sweep.h"
#include "reel/optim/detail/average_formula.h"
#include "reel/optim/optim.h"

namespace reel::kernels::REEL_ISA {

template SweepLoops sweep_loops<optim::detail::AdadeltaRule>();
template SweepLoops sweep_loops<optim::detail::AdagradRule>();
template SweepLoops sweep_loops<optim::detail::AdamRule>();
template SweepLoops sweep_loops<optim::detail::AdamaxRule>();
template SweepLoops sweep_loops<optim::detail::AdamWRule>();
template SweepLoops sweep_loops<optim::detail::ASGDRule>();
template SweepLoops sweep_loops<optim::detail::AverageFormula>();
template SweepLoops sweep_loops<optim::detail::LionRule>();
template SweepLoops sweep_loops<optim::detail::NAdamRule>();
template SweepLoops sweep_loops<optim::detail::RAdamRule>();
template SweepLoops sweep_loops<optim::detail::RMSpropRule>();
template SweepLoops sweep_loops<optim::detail::RpropRule>();
template SweepLoops sweep_loops<optim::detail::SGDRule>();

}  // namespace reel::kernels::REEL_ISA
