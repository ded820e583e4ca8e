// must not compile: backward of a Function returns Gradients
#include <reel/autograd/function.h>
#include <reel/ops/ops.h>

using namespace reel;

struct Twice : Function<Twice> {
  static Tensor forward(Context&, const Tensor& x) { return x * 2; }
  static void backward(Context&, const Tensor&) {}
};

Tensor twice(const Tensor& x) { return Twice::apply(x); }
