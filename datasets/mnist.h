#pragma once

#include <string>
#include <vector>

#include "reel/datasets/download.h"
#include "reel/datasets/labeled_images.h"

namespace reel::datasets {

/// MNIST: 60,000 training and 10,000 test pictures of handwritten digits, 28x28 grey; LeCun, Cortes
/// and Burges 1998, http://yann.lecun.com/exdb/mnist/. Follows `torchvision.datasets.MNIST`.
///
/// Found as `mnist/train-images-idx3-ubyte.gz` and so on in `options.root`, `$REEL_DATA` or the
/// cache, else downloaded (12 MB) and checked; see `fetch`. Batches are float32 `[B, 1, 28, 28]` in
/// [0, 1] and int64 `[B]`.
struct REEL_API MNIST {
  /// The 60,000. Throws `Error` when the files are neither found nor fetched, or are damaged.
  static LabeledImages train(const FetchOptions& options = {});
  /// The 10,000. Throws as `train` does.
  static LabeledImages test(const FetchOptions& options = {});

  /// "0" to "9".
  static const std::vector<std::string>& class_names();
};

}  // namespace reel::datasets
