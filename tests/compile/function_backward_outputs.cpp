// must not compile: backward of a Function takes, behind the context, a const Tensor& for each
#include <reel/autograd/function.h>
#include <reel/ops/ops.h>

using namespace reel;

struct Both : Function<Both> {
  static std::pair<Tensor, Tensor> forward(Context&, const Tensor& x) { return {x * 2, x * 3}; }
  static Tensor backward(Context&, const Tensor& dy) { return dy * 2; }
};

auto both(const Tensor& x) { return Both::apply(x); }
