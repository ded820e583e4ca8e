// must not compile: write the sizes in braces: reshape\({2, 3}\)
#include <reel/autograd/autograd.h>

using namespace reel;

void f(const Tensor& x) { x.reshape(2, 3); }
