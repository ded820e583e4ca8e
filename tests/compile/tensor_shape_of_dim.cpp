// must not compile: one size: write size\(0\)
#include <reel/autograd/autograd.h>

using namespace reel;

void f(const Tensor& x) { x.shape(0); }
