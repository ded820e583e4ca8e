// must not compile: Reel: .optimizer takes an optimizer, as optim::Adam{nn::parameters.model.}
#include <reel/reel.h>

int main() {
  reel::nn::Linear model{2, 3};
  const reel::TensorDataset data(reel::zeros({4, 2}), reel::zeros({4}, {.dtype = reel::int64}));
  reel::train::fit(model, data, {.optimizer = "adam"});
}
