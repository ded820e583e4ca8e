#include "reel/kernels/pointwise.h"

namespace reel::kernels {

Loop find(Unary op, DType dtype) {
  return unary_table().value[static_cast<int>(op)][static_cast<int>(dtype)];
}
Loop find(Test op, DType dtype) {
  return unary_table().test[static_cast<int>(op)][static_cast<int>(dtype)];
}
Loop find(Binary op, DType dtype) {
  return binary_table().value[static_cast<int>(op)][static_cast<int>(dtype)];
}
Loop find(Compare op, DType dtype) {
  return binary_table().compare[static_cast<int>(op)][static_cast<int>(dtype)];
}
Loop find(Bitwise op, DType dtype) {
  return binary_table().bitwise[static_cast<int>(op)][static_cast<int>(dtype)];
}
Loop find(Slope op, DType dtype) {
  return slope_table().slope[static_cast<int>(op)][static_cast<int>(dtype)];
}
Loop find_where(DType dtype) { return binary_table().where[static_cast<int>(dtype)]; }

}  // namespace reel::kernels
