// The cases of ../bench_training.cpp in libtorch, with the settings its users would choose.

#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <string>

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
  for (int threads : bench::thread_counts) {
    auto name = [&](const char* what, std::int64_t batch) {
      return std::string(what) + "/batch:" + std::to_string(batch) + "/threads:" +
             std::to_string(threads) + "/" + bench::torch_side;
    };
    for (std::int64_t batch : bench::mlp_batches) {
      benchmark::RegisterBenchmark(name("mlp_train", batch).c_str(), [=](benchmark::State& state) {
        train_step(state, make_mlp(), batch, threads);
      })->Unit(benchmark::kMicrosecond)->UseRealTime();
      benchmark::RegisterBenchmark(name("mlp_infer", batch).c_str(), [=](benchmark::State& state) {
        infer(state, make_mlp(), batch, threads);
      })->Unit(benchmark::kMicrosecond)->UseRealTime();
    }
    for (std::int64_t batch : bench::cnn_batches) {
      benchmark::RegisterBenchmark(name("cnn_train", batch).c_str(), [=](benchmark::State& state) {
        train_step(state, make_cnn(), batch, threads);
      })->Unit(benchmark::kMicrosecond)->UseRealTime();
      benchmark::RegisterBenchmark(name("cnn_infer", batch).c_str(), [=](benchmark::State& state) {
        infer(state, make_cnn(), batch, threads);
      })->Unit(benchmark::kMicrosecond)->UseRealTime();
    }
  }
  return true;
}();

}  // namespace
