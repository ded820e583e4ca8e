// must not compile: nn::call takes a module, what it does, and all that its operator\(\) is given
#include <reel/nn/nn.h>

using namespace reel;

struct Block {
  nn::Linear fc{4, 4};
  nn::Hooks hooks = {};
  Tensor operator()(const Tensor& x) const {
    return nn::call(this, [&] { return fc(x); });
  }
};

Tensor run(const Block& block, const Tensor& x) { return block(x); }
