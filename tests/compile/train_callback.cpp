// must not compile: Reel: a callback is a function called after each epoch, ....train::Run& run
#include <reel/reel.h>

int main() {
  reel::nn::Linear model{2, 3};
  const reel::TensorDataset data(reel::zeros({4, 2}), reel::zeros({4}, {.dtype = reel::int64}));
  reel::train::fit(model, data, {.callbacks = {[] {}}});
}
