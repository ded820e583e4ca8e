// must not compile: Reel: a bias is true, false or a tensor, not a number

#include <reel/nn/linear.h>

reel::nn::Linear layer{4, 2, 0.5};
