#pragma once

// Internal: formulas that are run in place over arrays, as an optimizer's step is.

#include <span>

#include "reel/kernels/array.h"
#include "reel/kernels/dispatch.h"

namespace reel::kernels {

/// What one instruction set has for a formula: each works through `n` neighbours of all arrays.
struct SweepLoops {
  using Loop = void (*)(Size n, const void* formula, void* const* arrays, bool negate);
  Loop of_float32;
  Loop of_float64;
};

// `simd/sweep.h` defines these, for the formulas that a file in a folder simd/ asks for.
#if defined(__x86_64__)
namespace v2 {
template <class Formula>
SweepLoops sweep_loops();
}
namespace v3 {
template <class Formula>
SweepLoops sweep_loops();
}
namespace v4 {
template <class Formula>
SweepLoops sweep_loops();
}
#else
namespace generic {
template <class Formula>
SweepLoops sweep_loops();
}
#endif

/// The loops for this CPU.
template <class Formula>
const SweepLoops& sweep_loops() {
#if defined(__x86_64__)
  static const SweepLoops loops = isa() == Isa::v4   ? v4::sweep_loops<Formula>()
                                  : isa() == Isa::v3 ? v3::sweep_loops<Formula>()
                                                     : v2::sweep_loops<Formula>();
#else
  static const SweepLoops loops = generic::sweep_loops<Formula>();
#endif
  return loops;
}

namespace detail {
void sweep(const SweepLoops& loops, const void* formula, const Array& x, const ConstArray& y,
           std::span<const Array> state, bool negate);
}  // namespace detail

/// Runs `formula(x, y, state)` for every element of arrays that lie alike and densely: x, which it
/// changes; y, which it reads; and the members of `Formula::State` in order of declaration, which
/// it changes (missing where it does without). Memory is read and written once; large arrays are
/// split over the threads. `negate`: y counts with the other sign. float32 or float64.
template <class Formula>
void sweep(const Formula& formula, const Array& x, const ConstArray& y,
           std::span<const Array> state, bool negate) {
  detail::sweep(sweep_loops<Formula>(), &formula, x, y, state, negate);
}

}  // namespace reel::kernels
