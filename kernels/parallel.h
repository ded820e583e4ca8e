#pragma once

#include <type_traits>

#include "reel/base/dtype.h"
#include "reel/kernels/team.h"

namespace reel::kernels {

/// Work below this many elements is never split: a fork and join costs microseconds.
inline constexpr Size parallel_grain = 32768;

/// Into so many ranges a thread a loop is cut, as far as they keep the grain: the others take from
/// the thread that comes late.
inline constexpr Size ranges_per_thread = 4;

namespace detail {
void parallel_ranges(Size n, Size grain, Size per_thread, Range range, void* context);
/// Whether `n` units of work, at least `grain` to a thread, are worth more than one thread here.
bool worth_splitting(Size n, Size grain);
}  // namespace detail

/// Calls `f(begin, end)` for ranges that cover `[0, n)`, on several threads when each gets at least
/// `grain` units and the caller is not itself inside a parallel region. `f` must not let results
/// depend on where the ranges end. What it throws is thrown here, after all threads have finished.
/// `per_thread` is 1 where a range has costs of its own.
template <class F>
void parallel_for(Size n, Size grain, F&& f, Size per_thread = ranges_per_thread) {
  if (n < 2 * grain || !detail::worth_splitting(n, grain)) {
    if (n > 0) f(Size{0}, n);
    return;
  }
  using Body = std::remove_reference_t<F>;
  detail::parallel_ranges(
      n, grain, per_thread,
      [](void* context, Size begin, Size end) { (*static_cast<Body*>(context))(begin, end); },
      const_cast<std::remove_const_t<Body>*>(&f));
}

}  // namespace reel::kernels
