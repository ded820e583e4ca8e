#pragma once

#include <string>
#include <vector>

#include "reel/datasets/download.h"
#include "reel/datasets/labeled_images.h"

namespace reel::datasets::detail {

/// A data set in the form of MNIST: pictures and classes, each in an idx file.
struct IdxImages {
  std::string folder;              ///< its name below `$REEL_DATA` and the cache
  std::vector<std::string> hosts;  ///< URLs that the files' names are added to
  std::vector<std::string> class_names;
  RemoteFile train_images, train_labels, test_images, test_labels;  ///< without `urls`
};

/// Finds or fetches the two files and reads them.
REEL_API LabeledImages read_images(const IdxImages& set, const RemoteFile& images,
                                   const RemoteFile& labels, const FetchOptions& options);

}  // namespace reel::datasets::detail
