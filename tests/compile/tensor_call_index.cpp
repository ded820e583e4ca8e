// must not compile: write x.0..1., or x.index\({0, 1}\)
#include <reel/autograd/autograd.h>

using namespace reel;

void f(const Tensor& x) { x(0, 1); }
