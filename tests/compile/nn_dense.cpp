// must not compile: Reel: nn::Dense is nn::Linear\{in_features, out_features\}

#include <reel/nn/linear.h>

struct Net {
  reel::nn::Dense fc{784, 10};
};

Net net;
