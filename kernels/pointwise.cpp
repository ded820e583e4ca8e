#include "reel/kernels/pointwise.h"

namespace reel::kernels {
namespace {

/// Both tables in one, so that a kernel is found by one look-up.
const ArithmeticTable& pointwise_table() {
  static const ArithmeticTable table = [] {
    ArithmeticTable all = arithmetic_table();
    const TranscendentalTable& more = transcendental_table();
    for (int dtype = 0; dtype < 2; ++dtype) {
      for (int op = 0; op < static_cast<int>(Unary::count); ++op) {
        if (more.unary[op][dtype] != nullptr) all.unary[op][dtype] = more.unary[op][dtype];
      }
      for (int op = 0; op < static_cast<int>(Binary::count); ++op) {
        if (more.binary[op][dtype] != nullptr) all.binary[op][dtype] = more.binary[op][dtype];
      }
    }
    return all;
  }();
  return table;
}

}  // namespace

Loop find(Unary op, DType dtype) {
  return pointwise_table().unary[static_cast<int>(op)][static_cast<int>(dtype)];
}
Loop find(Test op, DType dtype) {
  return pointwise_table().test[static_cast<int>(op)][static_cast<int>(dtype)];
}
Loop find(Binary op, DType dtype) {
  return pointwise_table().binary[static_cast<int>(op)][static_cast<int>(dtype)];
}
Loop find(Compare op, DType dtype) {
  return pointwise_table().compare[static_cast<int>(op)][static_cast<int>(dtype)];
}
Loop find(Ternary op, DType dtype) {
  return pointwise_table().ternary[static_cast<int>(op)][static_cast<int>(dtype)];
}
Loop find_where(DType dtype) { return pointwise_table().where[static_cast<int>(dtype)]; }

}  // namespace reel::kernels
