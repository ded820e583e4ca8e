// must not compile: this argument is a number: write tensor\(2.0\)

#include <reel/func/grad.h>

const auto f = [](const reel::Tensor& x) { return x; };
const auto g = reel::func::grad(f)(2.0);
