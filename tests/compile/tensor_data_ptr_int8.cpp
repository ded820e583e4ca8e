// must not compile: Reel has no dtype for this C\+\+ type
#include <reel/autograd/autograd.h>

using namespace reel;

void f(const Tensor& x) { x.data_ptr<std::int8_t>(); }
