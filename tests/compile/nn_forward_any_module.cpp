// must not compile: Reel: this module has forward\(\) and no operator\(\): write operator\(\) in
// its place

#include <reel/nn/any_module.h>
#include <reel/nn/linear.h>

struct Block {
  reel::nn::Linear fc{1, 1};
  reel::Tensor forward(const reel::Tensor& x) const { return fc(x); }
};

reel::nn::AnyModule model = Block{};
