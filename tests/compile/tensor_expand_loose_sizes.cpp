// must not compile: write the sizes in braces: expand\(x, {2, 3}\)
#include <reel/autograd/autograd.h>

using namespace reel;

void f(const Tensor& x) { expand(x, 2, 3); }
