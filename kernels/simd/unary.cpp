#include <cstdint>

#include "reel/kernels/simd/unary_loops.h"

namespace reel::kernels::REEL_ISA {

extern template void set_unary<float>(UnaryTable& table);
extern template void set_unary<double>(UnaryTable& table);

namespace {

template <class Row, class... Ts>
void set_tests(UnaryTable& table) {
  ((table.test[static_cast<int>(Row::code)][static_cast<int>(dtype_of<Ts>)] =
        map1<ConditionOf<Row>, bool, Ts>),
   ...);
}

UnaryTable make_table() {
  UnaryTable table;
  set_unary<float>(table);
  set_unary<double>(table);
  set_unary<std::int64_t>(table);
  set_unary<std::int32_t>(table);
  set_unary<std::uint8_t>(table);
  rows::for_each_test([&]<class Row>(Row) {
    set_tests<Row, float, double, std::int64_t, std::int32_t, std::uint8_t, bool>(table);
  });
  return table;
}

}  // namespace

const UnaryTable& unary_table() {
  static const UnaryTable table = make_table();
  return table;
}

}  // namespace reel::kernels::REEL_ISA
