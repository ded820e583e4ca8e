#include "reel/datasets/detail/idx_images.h"

#include "reel/datasets/idx.h"

namespace reel::datasets::detail {

LabeledImages read_images(const IdxImages& set, const RemoteFile& images, const RemoteFile& labels,
                          const FetchOptions& options) {
  const auto path_of = [&](RemoteFile file) {
    for (const std::string& host : set.hosts) file.urls.push_back(host + file.name);
    return fetch(set.folder, file, options);
  };
  const std::string images_path = path_of(images), labels_path = path_of(labels);
  return {read_idx(images_path), read_idx(labels_path), set.class_names};
}

}  // namespace reel::datasets::detail
