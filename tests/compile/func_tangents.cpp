// must not compile: jvp takes a tangent for each argument

#include <reel/func/jvp.h>

const auto f = [](const reel::Tensor& x, const reel::Tensor& y) { return x + y; };
const reel::Tensor x(1.0);
const auto dy = reel::func::jvp(f, {x, x}, {x});
