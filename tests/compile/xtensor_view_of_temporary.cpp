// must not compile: use of deleted function|call to deleted function
#include "reel/autograd/xtensor.h"

auto dangling = reel::view_as_xtensor<float>(reel::empty({2, 3}));
