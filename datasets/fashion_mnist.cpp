#include "reel/datasets/fashion_mnist.h"

#include "reel/base/fail.h"
#include "reel/datasets/detail/idx_images.h"
#include "reel/datasets/drawn_garments.h"

namespace reel::datasets {
namespace {

const detail::IdxImages& files() {
  static const detail::IdxImages set{
      .folder = "fashion-mnist",
      .hosts =
          {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
           "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
           "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"},
      .class_names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                      "Sneaker", "Bag", "Ankle boot"},
      .train_images = {.name = "train-images-idx3-ubyte.gz",
                       .sha256 = "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                       .bytes = 26421880},
      .train_labels = {.name = "train-labels-idx1-ubyte.gz",
                       .sha256 = "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                       .bytes = 29515},
      .test_images = {.name = "t10k-images-idx3-ubyte.gz",
                      .sha256 = "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                      .bytes = 4422102},
      .test_labels = {.name = "t10k-labels-idx1-ubyte.gz",
                      .sha256 = "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                      .bytes = 5148},
  };
  return set;
}

}  // namespace

LabeledImages FashionMNIST::train(const FetchOptions& options) {
  return detail::read_images(files(), files().train_images, files().train_labels, options);
}

LabeledImages FashionMNIST::test(const FetchOptions& options) {
  return detail::read_images(files(), files().test_images, files().test_labels, options);
}

const std::vector<std::string>& FashionMNIST::class_names() { return files().class_names; }

GarmentSets fashion_mnist_or_drawn(const FetchOptions& options) {
  try {
    return {.train = FashionMNIST::train(options),
            .test = FashionMNIST::test(options),
            .drawn = false,
            .message = "Fashion-MNIST: 60000 training and 10000 test pictures"};
  } catch (const Error& error) {
    // A folder named by hand is meant: other pictures than those in it would be a surprise.
    if (!options.root.empty()) throw;
    return {.train = DrawnGarments::train(),
            .test = DrawnGarments::test(),
            .drawn = true,
            .message = fmt::format("Fashion-MNIST is not to be had; these garments are DRAWN, and "
                                   "results say nothing about Fashion-MNIST.\nReason: {}",
                                   error.what())};
  }
}

}  // namespace reel::datasets
