// must not compile: write the dimensions in braces: permute\({0, 2, 1}\)
#include <reel/autograd/autograd.h>

using namespace reel;

void f(const Tensor& x) { x.permute(0, 2, 1); }
