// The program of reel.cpp in libtorch.
//   program_torch mlp|cnn BATCH STEPS

#include <torch/torch.h>

#include <cstdlib>
#include <string>

namespace nn = torch::nn;

void train(nn::Sequential model, std::int64_t batch, int steps) {
  const torch::Tensor images = torch::rand({batch, 1, 28, 28});
  const torch::Tensor labels = torch::randint(0, 10, {batch}, torch::kInt64);
  torch::optim::Adam adam(model->parameters(), torch::optim::AdamOptions(1e-3));
  for (int i = 0; i < steps; ++i) {
    adam.zero_grad();
    nn::functional::cross_entropy(model->forward(images), labels).backward();
    adam.step();
  }
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::int64_t batch = std::atoll(argv[2]);
  const int steps = std::atoi(argv[3]);
  if (std::string(argv[1]) == "mlp") {
    train(nn::Sequential(nn::Flatten(), nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 10)),
          batch, steps);
  } else {
    const auto conv = [](std::int64_t in, std::int64_t out) {
      return nn::Conv2d(nn::Conv2dOptions(in, out, 3).padding(1));
    };
    train(nn::Sequential(conv(1, 32), nn::ReLU(), nn::MaxPool2d(2), conv(32, 64), nn::ReLU(),
                         nn::MaxPool2d(2), nn::Flatten(), nn::Linear(3136, 128), nn::ReLU(),
                         nn::Linear(128, 10)),
          batch, steps);
  }
}
