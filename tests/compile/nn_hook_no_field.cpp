// must not compile: a module takes hooks if it has a field for them
#include <reel/nn/nn.h>

using namespace reel;

struct Block {
  nn::Linear fc{4, 4};
  Tensor operator()(const Tensor& x) const { return fc(x); }
};

void watch(Block& block) {
  nn::register_forward_hook(block, [](const Block&, const Tensor&, const Tensor&) {});
}
