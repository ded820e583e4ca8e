// must not compile: a forward hook takes the module, what the module takes and what it
#include <reel/nn/nn.h>

using namespace reel;

void watch(nn::LSTM& lstm) {
  nn::register_forward_hook(lstm, [](const nn::LSTM&, const Tensor&, const Tensor&) {});
}
