#include "reel/datasets/mnist.h"

#include "reel/datasets/detail/idx_images.h"

namespace reel::datasets {
namespace {

const detail::IdxImages& files() {
  static const detail::IdxImages set{
      .folder = "mnist",
      .hosts = {"https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/"},
      .class_names = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
      .train_images = {.name = "train-images-idx3-ubyte.gz",
                       .sha256 = "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                       .bytes = 9912422},
      .train_labels = {.name = "train-labels-idx1-ubyte.gz",
                       .sha256 = "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                       .bytes = 28881},
      .test_images = {.name = "t10k-images-idx3-ubyte.gz",
                      .sha256 = "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                      .bytes = 1648877},
      .test_labels = {.name = "t10k-labels-idx1-ubyte.gz",
                      .sha256 = "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                      .bytes = 4542},
  };
  return set;
}

}  // namespace

LabeledImages MNIST::train(const FetchOptions& options) {
  return detail::read_images(files(), files().train_images, files().train_labels, options);
}

LabeledImages MNIST::test(const FetchOptions& options) {
  return detail::read_images(files(), files().test_images, files().test_labels, options);
}

const std::vector<std::string>& MNIST::class_names() { return files().class_names; }

}  // namespace reel::datasets
