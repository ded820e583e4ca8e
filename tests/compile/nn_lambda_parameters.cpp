// must not compile: Reel: this lambda captures something .* write a struct with operator\(\) that
// holds the module

#include <reel/nn/linear.h>
#include <reel/nn/module.h>

int main() {
  reel::nn::Linear layer{1, 1};
  const auto model = [&](const reel::Tensor& x) { return layer(x); };
  return static_cast<int>(reel::nn::parameters(model).size());
}
