#include "reel/datasets/labeled_images.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "reel/datasets/dataset.h"
#include "reel/ops/create/create.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;

static_assert(Dataset<LabeledImages> && HasGet<LabeledImages> && HasBatch<LabeledImages>);

namespace {

/// `n` pictures [h, w] whose byte i is i % 256.
Tensor counting(Size n, Size h, Size w) {
  const Tensor images = empty({n, h, w}, {.dtype = uint8});
  for (Size i = 0; i < images.numel(); ++i) {
    images.data_ptr<std::uint8_t>()[i] = static_cast<std::uint8_t>(i);
  }
  return images;
}

}  // namespace

TEST_CASE("LabeledImages hands out batches of floats in [0, 1]") {
  const LabeledImages set{counting(4, 8, 16), tensor({3, 2, 1, 0}, {.dtype = uint8}), {}};
  CHECK(set.size() == 4);
  CHECK(set.images().shape() == Shape{4, 1, 8, 16});
  CHECK(set.labels().dtype() == int64);
  const auto [images, labels] = set.batch(std::vector<Size>{3, 0, 3});
  CHECK(images.shape() == Shape{3, 1, 8, 16});
  CHECK(images.dtype() == float32);
  CHECK(labels.shape() == Shape{3});
  CHECK(labels.dtype() == int64);
  CHECK(labels.data_ptr<std::int64_t>()[1] == 3);
  CHECK(labels.data_ptr<std::int64_t>()[2] == 0);
  const float* values = images.data_ptr<float>();
  CHECK(values[127] == 1.0F);  // picture 3 holds 128 to 255
  CHECK(values[128] == 0.0F);  // picture 0 holds 0 to 127
  for (int i = 0; i < 128; ++i) {
    CHECK(std::abs(values[i] - static_cast<float>(128 + i) / 255) < 1e-7F);
    CHECK(values[i] <= 1.0F);
  }
}

TEST_CASE("LabeledImages takes colour pictures and any number of samples") {
  const Tensor colour = empty({5, 3, 4, 4}, {.dtype = uint8});
  const LabeledImages set{colour, tensor({0, 1, 0, 1, 0}), {"cat", "dog"}};
  const auto [image, label] = set.get(1);
  CHECK(image.shape() == Shape{3, 4, 4});
  CHECK(label.shape() == Shape{});
  CHECK(label.item<int>() == 1);
  const auto [none, no_labels] = set.batch({});
  CHECK(none.shape() == Shape{0, 3, 4, 4});
  CHECK(no_labels.shape() == Shape{0});
  CHECK(LabeledImages{empty({0, 4, 4}, {.dtype = uint8}), empty(0, {.dtype = int64})}.size() == 0);
}

TEST_CASE("LabeledImages makes large batches as it makes small ones") {
  const LabeledImages set{counting(3000, 28, 28), empty(3000, {.dtype = uint8}).fill_(0)};
  std::vector<Size> indices(3000);
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<Size>(i * 7 % 3000);
  const Tensor images = std::get<0>(set.batch(indices));
  for (std::size_t i = 0; i < indices.size(); i += 311) {
    const Tensor one = std::get<0>(set.get(indices[i]));
    for (Size pixel = 0; pixel < 784; ++pixel) {
      REQUIRE(images.data_ptr<float>()[static_cast<Size>(i) * 784 + pixel] ==
              one.data_ptr<float>()[pixel]);
    }
  }
}

TEST_CASE("LabeledImages refuses what does not fit together") {
  const Tensor images = counting(2, 4, 4);
  CHECK_ERROR(LabeledImages(images, tensor({0, 1, 2})),
              "[LabeledImages] expected integer labels of shape [2] to match images [2, 4, 4], got "
              "int64 [3]");
  CHECK_ERROR(LabeledImages(images, tensor({0.0, 1.0})), "got float32 [2]");
  CHECK_ERROR(LabeledImages(images, tensor({{0}, {1}})), "got int64 [2, 1]");
  CHECK_ERROR(LabeledImages(empty({2, 4}, {.dtype = uint8}), tensor({0, 1})),
              "[LabeledImages] expected uint8 images of shape [N, H, W] or [N, C, H, W], got uint8 "
              "[2, 4]");
  CHECK_ERROR(LabeledImages(empty({2, 4, 4}), tensor({0, 1})), "got float32 [2, 4, 4]");
  CHECK_ERROR(LabeledImages(images, tensor({0, 2}), {"cat", "dog"}),
              "[LabeledImages] expected labels in [0, 2), got 2 at index 1");
  CHECK_ERROR(LabeledImages(images, tensor({0, -1})), "expected labels in [0, ...), got -1");
  const LabeledImages set{images, tensor({0, 1})};
  CHECK_ERROR(set.get(2), "[LabeledImages] expected an index in [0, 2), got 2");
  CHECK_ERROR(set.batch(std::vector<Size>{0, -1}), "expected an index in [0, 2), got -1");
}
