// must not compile: needs #include <reel/autograd/xtensor.h>
#include <reel/autograd/autograd.h>

using namespace reel;

Tensor twice(const Tensor& x) {
  return record(
      "twice", [](auto& out, const auto& in) { xt::noalias(out) = 2 * in; },
      [](const Tensor& dy, const Tensor&, const Tensor&) { return 2 * dy; }, x);
}
