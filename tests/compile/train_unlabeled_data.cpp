// must not compile: Reel: data for training is a data set whose samples are tuples of inputs and,
#include <reel/reel.h>

int main() {
  reel::nn::Linear model{2, 1};
  reel::train::fit(model, reel::TensorDataset{reel::zeros({4, 2})});
}
