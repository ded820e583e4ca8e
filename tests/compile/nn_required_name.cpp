// must not compile: (use of deleted function|call to deleted constructor of).*Required<.*this
// option has no default: give it

#include <reel/nn/conv.h>

reel::nn::Conv2d layer{.in_channels = 1, .kernel_size = 3};
