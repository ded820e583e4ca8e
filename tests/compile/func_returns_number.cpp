// must not compile: a function to transform returns a Tensor: a number has left the tape

#include <reel/func/grad.h>

const auto f = [](const reel::Tensor& x) { return x.item(); };
const auto g = reel::func::grad(f)(reel::Tensor(1.0));
