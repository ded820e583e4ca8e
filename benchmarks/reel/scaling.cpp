// How the cost of training grows with the batch, the width, the depth and the samples.

#include <memory>

#include "reel_side.h"

namespace bench {
namespace {

using namespace reel;

/// 784 - width - 10 if `depth` is 1, with more layers from width to width for more.
nn::Sequential make_mlp(Size width, Size depth) {
  nn::Sequential model;
  for (Size layer = 0; layer < depth; ++layer) {
    model.push_back(nn::Linear{layer == 0 ? 784 : width, width});
    model.push_back(nn::ReLU{});
  }
  model.push_back(nn::Linear{width, 10});
  return model;
}

struct Training {
  nn::Sequential model;
  optim::Adam adam{nn::parameters(model), {.lr = 1e-3}};

  void step(const Tensor& images, const Tensor& labels) {
    adam.zero_grad();
    nn::cross_entropy(model(images), labels).backward();
    adam.step();
  }
};

Step train(const Case& c, Size width, Size depth, Size batch) {
  const auto training = std::make_shared<Training>(Training{make_mlp(width, depth)});
  return reel_step(c, [training, images = rand({batch, 784}), labels = randint(0, 10, {batch})] {
    training->step(images, labels);
  });
}

Step epoch(const Case& c) {
  const auto training = std::make_shared<Training>(Training{make_mlp(128, 1)});
  const auto loader = std::make_shared<DataLoader<TensorDataset<2>>>(
      TensorDataset{rand({c.size, 784}), randint(0, 10, {c.size})},
      DataLoaderOptions{.batch_size = 64, .shuffle = true});
  return reel_step(c, [training, loader] {
    for (auto [images, labels] : *loader) training->step(images, labels);
  });
}

[[maybe_unused]] const bool registered =
    add_reel("scaling_batch", [](const Case& c) { return train(c, 128, 1, c.size); }) &&
    add_reel("scaling_width", [](const Case& c) { return train(c, c.size, 1, 64); }) &&
    add_reel("scaling_depth", [](const Case& c) { return train(c, 128, c.size, 64); }) &&
    add_reel("scaling_samples", epoch);

}  // namespace
}  // namespace bench
