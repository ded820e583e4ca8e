// must not compile: the first parameter of a hook is the module that it is registered on
#include <reel/nn/nn.h>

using namespace reel;

void watch(nn::Linear& layer) {
  nn::register_forward_hook(layer, [](const nn::ReLU&, const Tensor&, const Tensor&) {});
}
