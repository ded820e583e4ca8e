#include "reel/datasets/dataset.h"

#include <cstring>
#include <exception>
#include <new>
#include <numeric>

#include "reel/autograd/detail/batched.h"
#include "reel/autograd/random.h"
#include "reel/base/detail/random_stream.h"
#include "reel/base/fail.h"
#include "reel/ops/shape/join.h"

namespace reel {
namespace {

/// Bytes of one row of a contiguous tensor.
std::size_t row_bytes(const Tensor& tensor) {
  Size bytes = item_size(tensor.dtype());
  for (Size i = 1; i < tensor.dim(); ++i) bytes *= tensor.shape()[i];
  return static_cast<std::size_t>(bytes);
}

}  // namespace

void detail::check_indices(const char* op, std::span<const Size> indices, Size size) {
  for (const Size index : indices) {
    check(index >= 0 && index < size, op, "expected an index in [0, {}), got {}", size, index);
  }
}

Tensor detail::take_rows(const char* op, const Tensor& tensor, std::span<const Size> indices) {
  check_not_batched(op, tensor);
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
  detail::RandomStream random(seed, epoch);
  for (std::size_t left = order.size(); left > 1; --left) {
    std::swap(order[left - 1], order[random.below(left)]);
  }
  return order;
}

std::uint64_t detail::seed_from_generator() { return default_generator()(); }

const detail::ErrorContext::Kind detail::SampleContext::kind{describe};

std::string detail::SampleContext::describe(const ErrorContext& newest) {
  return fmt::format("in sample {}", static_cast<const SampleContext&>(newest).index_);
}

void detail::rethrow_from_sample(Size index) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    std::throw_with_nested(
        Error(fmt::format("[get] expected sample {}, got \"{}\"", index, error.what())));
  }
}

Tensor collate(const std::vector<Tensor>& samples) { return stack(samples, 0); }

}  // namespace reel
