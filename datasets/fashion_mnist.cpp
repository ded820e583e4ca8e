#include "reel/datasets/fashion_mnist.h"

#include "reel/base/fail.h"
#include "reel/datasets/drawn_garments.h"
#include "reel/datasets/known_sets.h"

namespace reel::datasets {

LabeledImages FashionMNIST::train(const FetchOptions& options) {
  return load_images("fashion-mnist", Part::train, options);
}

LabeledImages FashionMNIST::test(const FetchOptions& options) {
  return load_images("fashion-mnist", Part::test, options);
}

const std::vector<std::string>& FashionMNIST::class_names() {
  return set_info("fashion-mnist").class_names;
}

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
