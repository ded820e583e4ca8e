// must not compile: Reel: fit and evaluate make the batches themselves: hand over the data set, and
#include <reel/reel.h>

int main() {
  reel::nn::Linear model{2, 3};
  const reel::TensorDataset data(reel::zeros({4, 2}), reel::zeros({4}, {.dtype = reel::int64}));
  reel::DataLoader loader(data, {.batch_size = 2});
  reel::train::fit(model, loader);
}
