// must not compile: Reel: a loss is an object or a function of outputs and targets, not its name
#include <reel/reel.h>

int main() {
  reel::nn::Linear model{2, 1};
  const reel::TensorDataset data(reel::zeros({4, 2}), reel::zeros({4, 1}));
  reel::train::fit(model, data, {.loss = "mse"});
}
