// The cases of ../bench_training.cpp in libtorch, with the settings its users would choose.

#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include "cases.h"

namespace {

torch::nn::Sequential make_mlp() {
  namespace nn = torch::nn;
  return nn::Sequential(nn::Flatten(), nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 10));
}

torch::nn::Sequential make_cnn() {
  namespace nn = torch::nn;
  return nn::Sequential(nn::Conv2d(nn::Conv2dOptions(1, 32, 3).padding(1)), nn::ReLU(),
                        nn::MaxPool2d(2), nn::Conv2d(nn::Conv2dOptions(32, 64, 3).padding(1)),
                        nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(), nn::Linear(3136, 128),
                        nn::ReLU(), nn::Linear(128, 10));
}

void train_step(benchmark::State& state, torch::nn::Sequential model, std::int64_t batch,
                int threads) {
  torch::set_num_threads(threads);
  torch::manual_seed(1);
  const torch::Tensor images = torch::rand({batch, 1, 28, 28});
  const torch::Tensor labels = torch::randint(0, 10, {batch}, torch::kInt64);
  torch::optim::Adam adam(model->parameters(), torch::optim::AdamOptions(1e-3));
  for (auto _ : state) {
    adam.zero_grad();
    const torch::Tensor loss = torch::nn::functional::cross_entropy(model->forward(images), labels);
    loss.backward();
    adam.step();
  }
}

void infer(benchmark::State& state, torch::nn::Sequential model, std::int64_t batch, int threads) {
  torch::set_num_threads(threads);
  torch::manual_seed(1);
  const torch::Tensor images = torch::rand({batch, 1, 28, 28});
  model->eval();
  torch::InferenceMode inference;
  for (auto _ : state) benchmark::DoNotOptimize(model->forward(images).data_ptr<float>());
}

const bool registered = [] {
  using bench::cnn_batches;
  using bench::mlp_batches;
  using benchmark::State;
  const char* side = bench::torch_side;
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
