// must not compile: write the sizes in braces: zeros\({2, 3}\)
#include <reel/autograd/autograd.h>

using namespace reel;

void f() { zeros(2, 3); }
