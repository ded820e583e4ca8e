// Whole training steps: zero_grad, forward, cross-entropy, backward, Adam.

#include <benchmark/benchmark.h>
#include <reel/reel.h>

#include "cases.h"

using namespace reel;

namespace {

auto make_mlp() {
  return nn::Sequential{nn::Flatten{}, nn::Linear{784, 128}, nn::ReLU{}, nn::Linear{128, 10}};
}

nn::Conv2d conv3x3(Size in, Size out) {
  return {.in_channels = in, .out_channels = out, .kernel_size = 3, .padding = 1};
}

auto make_cnn() {
  return nn::Sequential{conv3x3(1, 32), nn::ReLU{},         nn::MaxPool2d{2}, conv3x3(32, 64),
                        nn::ReLU{},     nn::MaxPool2d{2},   nn::Flatten{},    nn::Linear{3136, 128},
                        nn::ReLU{},     nn::Linear{128, 10}};
}

template <class Model>
void train_step(benchmark::State& state, Model model, Size batch, int threads) {
  set_num_threads(threads);
  manual_seed(1);
  const Tensor images = rand({batch, 1, 28, 28});
  const Tensor labels = randint(0, 10, {batch});
  optim::Adam adam{nn::parameters(model), {.lr = 1e-3}};
  for (auto _ : state) {
    adam.zero_grad();
    const Tensor loss = nn::cross_entropy(model(images), labels);
    loss.backward();
    adam.step();
  }
}

template <class Model>
void infer(benchmark::State& state, Model model, Size batch, int threads) {
  set_num_threads(threads);
  manual_seed(1);
  const Tensor images = rand({batch, 1, 28, 28});
  nn::eval(model);
  NoGradGuard no_grad;
  for (auto _ : state) benchmark::DoNotOptimize(model(images).template data_ptr<float>());
}

const bool registered = [] {
  using bench::cnn_batches;
  using bench::mlp_batches;
  using benchmark::State;
  const char* side = bench::reel_side;
  bench::register_cases("mlp_train", mlp_batches, side, [](State& state, auto batch, int threads) {
    train_step(state, make_mlp(), batch, threads);
  });
  bench::register_cases("mlp_infer", mlp_batches, side, [](State& state, auto batch, int threads) {
    infer(state, make_mlp(), batch, threads);
  });
  bench::register_cases("cnn_train", cnn_batches, side, [](State& state, auto batch, int threads) {
    train_step(state, make_cnn(), batch, threads);
  });
  bench::register_cases("cnn_infer", cnn_batches, side, [](State& state, auto batch, int threads) {
    infer(state, make_cnn(), batch, threads);
  });
  return true;
}();

}  // namespace
