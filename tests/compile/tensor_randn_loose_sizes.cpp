// must not compile: write the sizes in braces: randn\({2, 3}\)
#include <reel/autograd/autograd.h>

using namespace reel;

void f() { randn(2, 3); }
