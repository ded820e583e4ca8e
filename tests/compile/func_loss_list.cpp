// must not compile: a function whose gradient is asked for returns a Tensor, its loss

#include <reel/func/grad.h>

const auto f = [](const reel::Tensor& x) { return std::vector<reel::Tensor>{x}; };
const auto g = reel::func::grad(f)(reel::Tensor(1.0));
