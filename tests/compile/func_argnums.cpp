// must not compile: an argument that the function is not given: argnums count from 0

#include <reel/func/grad.h>

const auto f = [](const reel::Tensor& x) { return x; };
const reel::Tensor g = reel::func::grad<1>(f)(reel::Tensor(1.0));
