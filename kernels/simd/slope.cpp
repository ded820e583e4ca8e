#include "reel/kernels/pointwise.h"

namespace reel::kernels::REEL_ISA {

template <class T>
void set_slopes(SlopeTable& table);
extern template void set_slopes<float>(SlopeTable& table);   // slope_float.cpp
extern template void set_slopes<double>(SlopeTable& table);  // slope_double.cpp

const SlopeTable& slope_table() {
  static const SlopeTable table = [] {
    SlopeTable loops;
    set_slopes<float>(loops);
    set_slopes<double>(loops);
    return loops;
  }();
  return table;
}

}  // namespace reel::kernels::REEL_ISA
