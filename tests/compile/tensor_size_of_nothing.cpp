// must not compile: write numel\(\), or size\(dim\)
#include <reel/autograd/autograd.h>

using namespace reel;

void f(const Tensor& x) { x.size(); }
