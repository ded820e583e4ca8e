// must not compile: Reel: inputs and targets become one data set: TensorDataset{x, y}
#include <reel/reel.h>

int main() {
  reel::nn::Linear model{2, 1};
  reel::train::evaluate(model, reel::zeros({4, 2}), reel::zeros({4, 1}));
}
