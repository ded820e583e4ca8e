// must not compile: Reel: inputs and targets become one data set: TensorDataset{x, y}
#include <reel/reel.h>

int main() {
  reel::nn::Linear model{2, 1};
  const reel::Tensor x = reel::zeros({4, 2}), y = reel::zeros({4, 1});
  reel::train::fit(model, x, y, {.loss = reel::nn::MSELoss{}});
}
