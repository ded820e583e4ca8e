// must not compile: the function cannot be called with these arguments

#include <reel/func/grad.h>

const auto f = [](const reel::Tensor& x) { return x; };
const auto g = reel::func::grad(f)(reel::Tensor(1.0), reel::Tensor(1.0));
