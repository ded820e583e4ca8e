// A user's whole program: trains a model for some steps on random pictures.
//   program_reel mlp|cnn BATCH STEPS

#include <reel/reel.h>

#include <cstdlib>
#include <string>

using namespace reel;

template <class Model>
void run(Model model, Size batch, int steps) {
  const Tensor images = rand({batch, 1, 28, 28});
  const Tensor labels = randint(0, 10, {batch});
  optim::Adam adam{nn::parameters(model), {.lr = 1e-3}};
  for (int i = 0; i < steps; ++i) {
    adam.zero_grad();
    nn::cross_entropy(model(images), labels).backward();
    adam.step();
  }
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const Size batch = std::atoll(argv[2]);
  const int steps = std::atoi(argv[3]);
  if (std::string(argv[1]) == "mlp") {
    run(nn::Sequential{nn::Flatten{}, nn::Linear{784, 128}, nn::ReLU{}, nn::Linear{128, 10}}, batch,
        steps);
  } else {
    const auto conv = [](Size in, Size out) {
      return nn::Conv2d{.in_channels = in, .out_channels = out, .kernel_size = 3, .padding = 1};
    };
    run(nn::Sequential{conv(1, 32), nn::ReLU{}, nn::MaxPool2d{2}, conv(32, 64), nn::ReLU{},
                       nn::MaxPool2d{2}, nn::Flatten{}, nn::Linear{3136, 128}, nn::ReLU{},
                       nn::Linear{128, 10}},
        batch, steps);
  }
}
