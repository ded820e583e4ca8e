// must not compile: Reel has no dtype for this C\+\+ type
#include <reel/autograd/autograd.h>

using namespace reel;

void f(std::uint32_t* data) { from_blob(data, 2); }
