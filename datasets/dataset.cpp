#include "reel/datasets/dataset.h"

#include <cmath>
#include <cstring>
#include <numeric>

#include "reel/autograd/random.h"
#include "reel/base/fail.h"
#include "reel/datasets/detail/random.h"
#include "reel/ops/shape/join.h"

namespace reel {
namespace {

/// Bytes of one row of a contiguous tensor.
std::size_t row_bytes(const Tensor& tensor) {
  Size bytes = item_size(tensor.dtype());
  for (Size i = 1; i < tensor.dim(); ++i) bytes *= tensor.shape()[i];
  return static_cast<std::size_t>(bytes);
}

std::string joined(const auto& values) { return fmt::format("{}", fmt::join(values, " + ")); }

}  // namespace

void detail::check_indices(const char* op, std::span<const Size> indices, Size size) {
  for (const Size index : indices) {
    check(index >= 0 && index < size, op, "expected an index in [0, {}), got {}", size, index);
  }
}

Tensor detail::take_rows(const char* op, const Tensor& tensor, std::span<const Size> indices) {
  check_indices(op, indices, tensor.size(0));
  Shape shape = tensor.shape();
  shape[0] = static_cast<Size>(indices.size());
  const Tensor rows = empty(shape, {.dtype = tensor.dtype()});
  const std::size_t bytes = row_bytes(tensor);
  const std::byte* const from = tensor.impl().data;
  std::byte* to = rows.impl().data;
  for (const Size index : indices) {
    std::memcpy(to, from + static_cast<std::size_t>(index) * bytes, bytes);
    to += bytes;
  }
  return rows;
}

Tensor detail::take_row(const char* op, const Tensor& tensor, Size index) {
  return take_rows(op, tensor, {&index, 1}).select(0, 0);
}

void detail::prepare_rows(const char* op, std::span<Tensor> tensors) {
  bool equal = true;
  std::string shapes;
  for (const Tensor& tensor : tensors) {
    equal = equal && tensor.dim() > 0 && tensor.size(0) == tensors[0].size(0);
    shapes += (shapes.empty() ? "" : " and ") + to_string(tensor.shape());
  }
  check(equal, op, "expected tensors of equal first dimension, got {}", shapes);
  for (Tensor& tensor : tensors) tensor = tensor.detach().contiguous();
}

Tensor detail::interleave(const std::vector<Tensor>& parts, std::span<const Size> order) {
  return take_rows("ConcatDataset", cat(parts, 0), order);
}

std::vector<Size> detail::shuffled_indices(Size n, std::uint64_t seed, std::uint64_t epoch) {
  std::vector<Size> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Size{0});
  datasets::detail::RandomStream random(seed, epoch);
  for (std::size_t left = order.size(); left > 1; --left) {
    std::swap(order[left - 1], order[random.below(left)]);
  }
  return order;
}

std::uint64_t detail::seed_from_generator() { return default_generator()(); }

std::vector<Size> detail::checked_lengths(std::span<const Size> lengths, Size size) {
  Size sum = 0;
  bool valid = true;
  for (const Size length : lengths) {
    valid = valid && length >= 0 && !__builtin_add_overflow(sum, length, &sum);
  }
  check(valid && sum == size, "random_split", "expected lengths that add up to {}, got {}", size,
        joined(lengths));
  return {lengths.begin(), lengths.end()};
}

std::vector<Size> detail::lengths_of_fractions(std::span<const double> fractions, Size size) {
  double sum = 0;
  bool valid = true;
  for (const double fraction : fractions) {
    valid = valid && fraction >= 0;
    sum += fraction;
  }
  check(valid && std::abs(sum - 1) < 1e-6, "random_split",
        "expected fractions that add up to 1, got {}", joined(fractions));
  std::vector<Size> lengths;
  Size left = size;
  for (const double fraction : fractions) {
    // A fraction such as 0.1 of 10 must not become 0 samples by its rounding error.
    const auto length = static_cast<Size>(fraction * static_cast<double>(size) + 1e-6);
    lengths.push_back(std::min(length, left));
    left -= lengths.back();
  }
  for (std::size_t i = 0; left > 0; ++i, --left) ++lengths[i % lengths.size()];
  return lengths;
}

Tensor collate(const std::vector<Tensor>& samples) { return stack(samples, 0); }

}  // namespace reel
