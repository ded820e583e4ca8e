#pragma once

// Internal, for the files of this folder only: the loops of all derivatives. They are compiled in a
// file for each dtype, slope_float.cpp and slope_double.cpp, as they take long.

#include "reel/kernels/pointwise.h"
#include "reel/kernels/simd/lane.h"
#include "reel/kernels/simd/rows.h"

namespace reel::kernels::REEL_ISA {
namespace {

template <class Derivative, class T>
void set_slope(SlopeTable& table) {
  using F = SlopeOf<Derivative, T>;
  Loop& loop = table.slope[static_cast<int>(Derivative::code)][static_cast<int>(dtype_of<T>)];
  constexpr int saved = F::needs.first + F::needs.second;
  if constexpr (saved == 1 && F::needs.wide) loop = vec_map2<F, T>;
  if constexpr (saved == 1 && !F::needs.wide) loop = map2<F, T, T>;
  if constexpr (saved == 2 && F::needs.wide) loop = vec_map3<F, T>;
  if constexpr (saved == 2 && !F::needs.wide) loop = map3<F, T, T, T, T>;
}

}  // namespace

template <class T>
void set_slopes(SlopeTable& table) {
  rows::for_each_derivative([&]<class Derivative>(Derivative) { set_slope<Derivative, T>(table); });
}

}  // namespace reel::kernels::REEL_ISA
