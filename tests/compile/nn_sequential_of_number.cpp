// must not compile: Reel: a layer of a Sequential takes one tensor and returns one

#include <reel/nn/linear.h>
#include <reel/nn/sequential.h>

reel::nn::Sequential model{reel::nn::Linear{1, 1}, 3};
