// must not compile: a hook is a function that names the types of what it takes
#include <reel/nn/nn.h>

using namespace reel;

void watch(nn::Linear& layer) {
  nn::register_forward_hook(layer, [](const auto&, const auto&, const auto&) {});
}
