// must not compile: the backward of a recorded op takes
#include "reel/autograd/xtensor.h"
#include "reel/ops/ops.h"

using namespace reel;

Tensor twice(const Tensor& x) {
  return record(
      "twice", [](auto& out, const auto& in) { xt::noalias(out) = 2 * in; },
      [](const Tensor& dy, const Tensor&) { return dy * 2; }, x);
}
