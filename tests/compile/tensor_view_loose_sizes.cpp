// must not compile: write the sizes in braces: view\({2, 3}\)
#include <reel/autograd/autograd.h>

using namespace reel;

void f(const Tensor& x) { x.view(-1, 3); }
