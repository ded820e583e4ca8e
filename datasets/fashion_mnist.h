#pragma once

#include <string>
#include <vector>

#include "reel/datasets/download.h"
#include "reel/datasets/labeled_images.h"

namespace reel::datasets {

/// Fashion-MNIST: 60,000 training and 10,000 test pictures of garments, 28x28 grey, in ten classes;
/// Xiao, Rasul and Vollgraf 2017, https://arxiv.org/abs/1708.07747. Follows
/// `torchvision.datasets.FashionMNIST`.
///
/// Found as `fashion-mnist/train-images-idx3-ubyte.gz` and so on in `options.root`, `$REEL_DATA` or
/// the cache, else downloaded (30 MB) and checked; see `fetch`. Pictures stay bytes in memory (47
/// MB); batches are float32 `[B, 1, 28, 28]` in [0, 1] and int64 `[B]`.
///
/// **Example**
/// ```cpp
/// auto train_set = datasets::FashionMNIST::train();
/// ```
struct REEL_API FashionMNIST {
  /// The 60,000. Throws `Error` when the files are neither found nor fetched, or are damaged.
  static LabeledImages train(const FetchOptions& options = {});
  /// The 10,000. Throws as `train` does.
  static LabeledImages test(const FetchOptions& options = {});

  /// "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
  /// "Ankle boot".
  static const std::vector<std::string>& class_names();
};

/// Fashion-MNIST or its stand-in, and which of the two it is.
struct GarmentSets {
  LabeledImages train;  ///< 60,000 pictures
  LabeledImages test;   ///< 10,000 pictures
  bool drawn = false;   ///< whether the pictures are `DrawnGarments`
  std::string message;  ///< for the user: what is used and, for drawn garments, why
};

/// Fashion-MNIST where it can be had, else the same number of `DrawnGarments`, so that a lesson
/// runs without a network. Who calls this shows `message`: results on drawn garments say nothing
/// about Fashion-MNIST. Throws `Error` where `options.root` names a folder that lacks the data.
REEL_API GarmentSets fashion_mnist_or_drawn(const FetchOptions& options = {});

}  // namespace reel::datasets
