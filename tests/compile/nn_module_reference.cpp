// must not compile: this struct has a reference member, which hides its fields

#include <reel/nn/linear.h>
#include <reel/nn/module.h>

struct Net {
  const reel::nn::Linear& fc;
};

reel::nn::Linear layer{1, 1};
auto parameters = reel::nn::parameters(Net{layer});
