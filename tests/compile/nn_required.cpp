// must not compile: (use of deleted function|call to deleted constructor of).*Required<.*this
// option has no default: give it

#include <reel/nn/linear.h>

reel::nn::Linear layer{784};
