// must not compile: a backward hook takes the module, the gradient of its input and that of
#include <reel/nn/nn.h>

using namespace reel;

void watch(nn::Linear& layer) {
  nn::register_full_backward_hook(layer, [](const nn::Linear&, const Tensor&) {});
}
