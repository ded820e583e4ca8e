// must not compile: a forward pre-hook takes the module and what the module takes
#include <reel/nn/nn.h>

using namespace reel;

void watch(nn::Linear& layer) {
  nn::register_forward_pre_hook(layer, [](const nn::Linear&, const Tensor&, const Tensor&) {});
}
