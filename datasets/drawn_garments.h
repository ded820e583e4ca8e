#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reel/datasets/labeled_images.h"

namespace reel::datasets {

/// How many garments are drawn, and which.
struct DrawnGarmentsOptions {
  Size size = 60000;       ///< how many; the first of them do not depend on it
  std::uint64_t seed = 0;  ///< other pictures under another seed
};

/// Garments drawn by the program itself: a stand-in for Fashion-MNIST, with its ten classes and its
/// 28x28 grey pictures, for machines without the data and without a network. Outline, size, place,
/// cloth, shade and details are random; garments of one kind differ, and shirts, pullovers, coats
/// and T-shirts look alike: 5 epochs bring the 784-128-10 network to about 92 % and a linear model
/// to 86. 60,000 take about 0.4 s on one core.
///
/// The same options give the same pictures, on any number of threads. Of every ten samples in a row
/// each class is one.
struct REEL_API DrawnGarments {
  /// Throws `Error` when `size` is negative.
  static LabeledImages train(const DrawnGarmentsOptions& options = {});

  /// Pictures that `train` does not have under any size and the same seed.
  static LabeledImages test(const DrawnGarmentsOptions& options = {.size = 10000});

  /// The names of `FashionMNIST`.
  static const std::vector<std::string>& class_names();
};

}  // namespace reel::datasets
