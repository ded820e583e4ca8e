// The lesson of scripts/train in libtorch, as a whole program: 784-128-10 on Fashion-MNIST, Adam,
// batch 32, 5 epochs, test accuracy. Takes the folder with the four idx .gz files.
//   /usr/bin/time -v build/release/lesson_torch $REEL_DATA/fashion-mnist

#include <torch/torch.h>
#include <zlib.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

/// The bytes of an idx file behind its header of 4 + 4 * rank bytes.
torch::Tensor read_idx(const std::string& file, std::vector<std::int64_t> shape) {
  const gzFile in = gzopen(file.c_str(), "rb");
  torch::Tensor data = torch::empty(shape, torch::kUInt8);
  unsigned char header[16];
  const auto header_bytes = static_cast<unsigned>(4 + 4 * shape.size());
  const auto bytes = static_cast<unsigned>(data.numel());
  if (in == nullptr || gzread(in, header, header_bytes) != static_cast<int>(header_bytes) ||
      gzread(in, data.data_ptr(), bytes) != static_cast<int>(bytes)) {
    std::fprintf(stderr, "cannot read %s\n", file.c_str());
    std::exit(1);
  }
  gzclose(in);
  return data;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: lesson_torch FOLDER\n");
    return 2;
  }
  const std::string folder = std::string(argv[1]) + "/";
  const torch::Tensor images = read_idx(folder + "train-images-idx3-ubyte.gz", {60000, 28, 28});
  const torch::Tensor labels =
      read_idx(folder + "train-labels-idx1-ubyte.gz", {60000}).to(torch::kInt64);
  const torch::Tensor test_images = read_idx(folder + "t10k-images-idx3-ubyte.gz", {10000, 28, 28});
  const torch::Tensor test_labels =
      read_idx(folder + "t10k-labels-idx1-ubyte.gz", {10000}).to(torch::kInt64);

  torch::manual_seed(0);
  namespace nn = torch::nn;
  nn::Sequential model(nn::Flatten(), nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 10));
  torch::optim::Adam adam(model->parameters(), torch::optim::AdamOptions(1e-3));
  for (int epoch = 0; epoch < 5; ++epoch) {
    const torch::Tensor order = torch::randperm(60000);
    for (std::int64_t start = 0; start < 60000; start += 32) {
      const torch::Tensor batch = order.narrow(0, start, std::min<std::int64_t>(32, 60000 - start));
      const torch::Tensor x = images.index_select(0, batch).to(torch::kFloat32).div_(255);
      adam.zero_grad();
      const torch::Tensor loss =
          torch::nn::functional::cross_entropy(model->forward(x), labels.index_select(0, batch));
      loss.backward();
      adam.step();
    }
  }

  torch::NoGradGuard no_grad;
  std::int64_t correct = 0;
  for (std::int64_t start = 0; start < 10000; start += 500) {
    const torch::Tensor x = test_images.narrow(0, start, 500).to(torch::kFloat32).div_(255);
    const torch::Tensor right = model->forward(x).argmax(1) == test_labels.narrow(0, start, 500);
    correct += right.sum().item<std::int64_t>();
  }
  std::printf("test accuracy: %.4f\n", static_cast<double>(correct) / 10000);
}
