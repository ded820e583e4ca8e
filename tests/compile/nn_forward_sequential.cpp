// must not compile: Reel: this module has forward\(\) and no operator\(\): write operator\(\) in
// its place

#include <reel/nn/linear.h>
#include <reel/nn/sequential.h>

struct Block {
  reel::nn::Linear fc{1, 1};
  reel::Tensor forward(const reel::Tensor& x) const { return fc(x); }
};

reel::nn::Sequential model{reel::nn::Linear{1, 1}, Block{}};
