#include <cstdint>

#include "reel/kernels/pointwise.h"
#include "reel/kernels/simd/bits.h"
#include "reel/kernels/simd/lane.h"
#include "reel/kernels/simd/rows.h"

namespace reel::kernels::REEL_ISA {
namespace {

template <class Row, class T>
void set_value(BinaryTable& table) {
  using F = ValueOf<Row, T>;
  Loop& loop = table.value[static_cast<int>(Row::code)][static_cast<int>(dtype_of<T>)];
  if constexpr (F::wide) {
    loop = vec_map2<F, T>;
  } else {
    loop = map2<F, T, T>;
  }
}

template <class Row>
void set_values(BinaryTable& table) {
  set_value<Row, float>(table);
  set_value<Row, double>(table);
  if constexpr (Row::takes == rows::Takes::number || Row::takes == rows::Takes::any) {
    set_value<Row, std::int64_t>(table);
    set_value<Row, std::int32_t>(table);
    set_value<Row, std::uint8_t>(table);
  }
  if constexpr (Row::takes == rows::Takes::any) set_value<Row, bool>(table);
}

template <class Row, class... Ts>
void set_compare(BinaryTable& table) {
  ((table.compare[static_cast<int>(Row::code)][static_cast<int>(dtype_of<Ts>)] =
        map2<ConditionOf<Row>, bool, Ts>),
   ...);
}

template <class Row>
struct BitsOf {
  template <class T>
  T operator()(T a, T b) const {
    return Row::value(Bits<T>{a}, Bits<T>{b}).value;
  }
};

template <class Row, class... Ts>
void set_bitwise(BinaryTable& table) {
  ((table.bitwise[static_cast<int>(Row::code)][static_cast<int>(dtype_of<Ts>)] =
        map2<BitsOf<Row>, Ts, Ts>),
   ...);
}

/// Of bits, without a branch: a random condition would mispredict every other one.
struct Where {
  template <class T>
  T operator()(std::uint8_t condition, T a, T b) const {
    const T mask = static_cast<T>(T(0) - static_cast<T>(condition));
    return static_cast<T>((a & mask) | (b & static_cast<T>(~mask)));
  }
};

template <class Word>
constexpr Loop where_of = map3<Where, Word, std::uint8_t, Word, Word>;

BinaryTable make_table() {
  BinaryTable table;
  rows::for_each_binary([&]<class Row>(Row) { set_values<Row>(table); });
  set_value<rows::powRow, std::int64_t>(table);
  rows::for_each_compare([&]<class Row>(Row) {
    set_compare<Row, float, double, std::int64_t, std::int32_t, std::uint8_t, bool>(table);
  });
  rows::for_each_bitwise([&]<class Row>(Row) {
    set_bitwise<Row, std::int64_t, std::int32_t, std::uint8_t, bool>(table);
  });
  // Only the number of bytes matters.
  table.where[static_cast<int>(float32)] = where_of<std::uint32_t>;
  table.where[static_cast<int>(float64)] = where_of<std::uint64_t>;
  table.where[static_cast<int>(uint8)] = where_of<std::uint8_t>;
  table.where[static_cast<int>(int32)] = where_of<std::uint32_t>;
  table.where[static_cast<int>(int64)] = where_of<std::uint64_t>;
  table.where[static_cast<int>(bool_)] = where_of<std::uint8_t>;
  return table;
}

}  // namespace

const BinaryTable& binary_table() {
  static const BinaryTable table = make_table();
  return table;
}

}  // namespace reel::kernels::REEL_ISA
