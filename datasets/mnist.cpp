#include "reel/datasets/mnist.h"

#include "reel/datasets/known_sets.h"

namespace reel::datasets {

LabeledImages MNIST::train(const FetchOptions& options) {
  return load_images("mnist", Part::train, options);
}

LabeledImages MNIST::test(const FetchOptions& options) {
  return load_images("mnist", Part::test, options);
}

const std::vector<std::string>& MNIST::class_names() { return set_info("mnist").class_names; }

}  // namespace reel::datasets
