// must not compile: this option has no default: give it: .*Conv2d\{1, 32, 3\}

#include <reel/nn/conv.h>

reel::nn::Conv2d layer{.in_channels = 1, .out_channels = 3};
