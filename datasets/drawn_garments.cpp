#include "reel/datasets/drawn_garments.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "reel/base/detail/random_stream.h"
#include "reel/base/fail.h"
#include "reel/datasets/detail/garments.h"
#include "reel/datasets/fashion_mnist.h"
#include "reel/kernels/parallel.h"

namespace reel::datasets {
namespace {

constexpr Size classes = 10;
constexpr std::uint64_t test_streams = std::uint64_t{1} << 62;  // beyond the train set's

LabeledImages draw(const DrawnGarmentsOptions& options, std::uint64_t first_stream) {
  check(options.size >= 0, "DrawnGarments", "expected size >= 0, got {}", options.size);
  const Tensor images = empty({options.size, 28, 28}, {.dtype = uint8});
  const Tensor labels = empty(options.size, {.dtype = int64});
  auto* const pixels = images.data_ptr<std::uint8_t>();
  auto* const label = labels.data_ptr<std::int64_t>();

  for (Size begin = 0; begin < options.size; begin += classes) {
    std::array<std::int64_t, classes> order;
    std::iota(order.begin(), order.end(), 0);
    reel::detail::RandomStream random(~options.seed,
                                      first_stream + static_cast<std::uint64_t>(begin));
    for (std::size_t left = order.size(); left > 1; --left) {
      std::swap(order[left - 1], order[random.below(left)]);
    }
    std::copy_n(order.begin(), std::min(classes, options.size - begin), label + begin);
  }
  constexpr Size grain = 64;
  kernels::parallel_for(options.size, grain, [&](Size begin, Size end) {
    for (Size i = begin; i < end; ++i) {
      detail::draw_garment(pixels + i * detail::garment_bytes, static_cast<int>(label[i]),
                           options.seed, first_stream + static_cast<std::uint64_t>(i));
    }
  });
  return {images, labels, DrawnGarments::class_names()};
}

}  // namespace

LabeledImages DrawnGarments::train(const DrawnGarmentsOptions& options) { return draw(options, 0); }

LabeledImages DrawnGarments::test(const DrawnGarmentsOptions& options) {
  return draw(options, test_streams);
}

const std::vector<std::string>& DrawnGarments::class_names() { return FashionMNIST::class_names(); }

}  // namespace reel::datasets
