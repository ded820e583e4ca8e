// must not compile: Reel: a Parameter is a tensor or a number, not true or false

#include <reel/nn/linear.h>

reel::nn::Linear layer{.in_features = 4, .out_features = 2, .weight = false};
