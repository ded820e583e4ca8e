// must not compile: a function to transform returns a Tensor, or several in a std::vector

#include <reel/func/jacobian.h>

struct Both {
  reel::Tensor a, b;
};
const auto f = [](const reel::Tensor& x) { return Both{x, x}; };
const auto j = reel::func::jacrev(f)(reel::Tensor(1.0));
