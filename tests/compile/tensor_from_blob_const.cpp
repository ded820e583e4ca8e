// must not compile: takes no pointer to const
#include <reel/autograd/autograd.h>

using namespace reel;

void f(const float* data) { from_blob(data, {2, 3}); }
