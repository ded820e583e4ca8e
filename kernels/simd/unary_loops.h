#pragma once

// Internal, for the files of this folder only: the loops of functions of one tensor. Those of floats
// and doubles are compiled in files of their own, unary_float.cpp and unary_double.cpp, as they take
// long.

#include "reel/kernels/pointwise.h"
#include "reel/kernels/simd/lane.h"
#include "reel/kernels/simd/rows.h"

namespace reel::kernels::REEL_ISA {
namespace {

template <class Row, class T>
void set_value(UnaryTable& table) {
  using F = ValueOf<Row, T>;
  Loop& loop = table.value[static_cast<int>(Row::code)][static_cast<int>(dtype_of<T>)];
  if constexpr (F::wide) {
    loop = vec_map1<F, T>;
  } else {
    loop = map1<F, T, T>;
  }
}

}  // namespace

template <class T>
void set_unary(UnaryTable& table) {
  rows::for_each_unary([&]<class Row>(Row) {
    if constexpr (std::is_floating_point_v<T> || Row::takes == rows::Takes::number) {
      set_value<Row, T>(table);
    }
  });
}

}  // namespace reel::kernels::REEL_ISA
