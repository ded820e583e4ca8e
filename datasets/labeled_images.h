#pragma once

#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel::datasets {

/// Pictures with a class each, held as bytes and handed out as floats: what `FashionMNIST`, `MNIST`
/// and `DrawnGarments` are. A handle: copies share the pictures.
///
/// Batches are `[images, labels]`: float32 `[B, C, H, W]` in [0, 1] and int64 `[B]`.
class REEL_API LabeledImages {
 public:
  /// `images`: uint8 `[N, H, W]` (one channel) or `[N, C, H, W]`; `labels`: any integer dtype
  /// `[N]`, in `[0, classes)`; `class_names`: one name a class, or none to leave labels unchecked
  /// but for their sign. Throws `Error` when these do not fit each other.
  LabeledImages(const Tensor& images, const Tensor& labels,
                std::vector<std::string> class_names = {});

  /// The number of pictures.
  Size size() const { return labels_.size(0); }

  /// All pictures, uint8 `[N, C, H, W]`.
  const Tensor& images() const { return images_; }

  /// All classes, int64 `[N]`.
  const Tensor& labels() const { return labels_; }

  /// One name a class, by label; none where none were given.
  const std::vector<std::string>& class_names() const { return *class_names_; }

  /// One sample: float32 `[C, H, W]` in [0, 1] and its class, int64 `[]`.
  /// Throws `Error` for an index out of range.
  std::tuple<Tensor, Tensor> get(Size index) const;

  /// Samples as a batch: float32 `[B, C, H, W]` in [0, 1] and int64 `[B]`; gathered, converted and
  /// scaled in one pass. Throws `Error` for an index out of range.
  std::tuple<Tensor, Tensor> batch(std::span<const Size> indices) const;

 private:
  Tensor images_;
  Tensor labels_;
  std::shared_ptr<const std::vector<std::string>> class_names_;
};

}  // namespace reel::datasets
