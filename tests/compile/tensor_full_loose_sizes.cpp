// must not compile: write the sizes in braces: full\({2, 3}, value\)
#include <reel/autograd/autograd.h>

using namespace reel;

void f() { full(2, 3, 0.5); }
