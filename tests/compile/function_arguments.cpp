// must not compile: apply of a Function takes what its forward takes behind the context
#include <reel/autograd/function.h>
#include <reel/ops/ops.h>

using namespace reel;

struct Scale : Function<Scale> {
  static Tensor forward(Context&, const Tensor& x, double by) { return x * by; }
  static Tensor backward(Context&, const Tensor& dy) { return dy; }
};

Tensor scale(const Tensor& x) { return Scale::apply(x); }
