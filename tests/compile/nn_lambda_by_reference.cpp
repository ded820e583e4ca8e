// must not compile: Reel: this lambda captures something .* write a struct with operator\(\) that
// holds the module

#include <reel/nn/linear.h>
#include <reel/nn/module.h>
#include <reel/nn/sequential.h>

int main() {
  reel::nn::Linear hidden{1, 1};
  reel::nn::Sequential model{[&](const reel::Tensor& x) { return hidden(x); },
                             reel::nn::Linear{1, 1}};
  return static_cast<int>(reel::nn::parameters(model).size());
}
