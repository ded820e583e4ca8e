// must not compile: write the sizes in braces: empty\({2, 3}\)
#include <reel/autograd/autograd.h>

using namespace reel;

void f() { empty(2, 3); }
