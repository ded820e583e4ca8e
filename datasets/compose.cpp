#include "reel/datasets/compose.h"

#include "reel/base/fail.h"
#include "reel/ops/create/create.h"

namespace reel {

void detail::check_equal_sizes(std::span<const Size> sizes) {
  bool equal = true;
  for (const Size size : sizes) equal = equal && size == sizes[0];
  check(equal, "StackDataset", "expected data sets of equal size, got {}",
        fmt::join(sizes, " and "));
}

Tensor pad_sequence(const std::vector<Tensor>& sequences, const PadSequenceOptions& options) {
  constexpr const char* op = "pad_sequence";
  check(!sequences.empty(), op, "expected at least one tensor, got none");
  const Tensor& first = sequences[0];
  const auto dim = static_cast<Size>(detail::wrap_dim(op, options.dim, first.dim()));
  Shape shape = first.shape();
  for (const Tensor& sequence : sequences) {
    Shape like_first = sequence.shape();
    const bool comparable = sequence.dim() == first.dim();
    if (comparable) {
      shape[dim] = std::max(shape[dim], like_first[dim]);
      like_first[dim] = first.shape()[dim];
    }
    check(comparable && like_first == first.shape() && sequence.dtype() == first.dtype(), op,
          "expected tensors that differ in dimension {} only, got {} {} and {} {}", dim,
          first.dtype(), first.shape(), sequence.dtype(), sequence.shape());
  }
  Shape batch_shape{static_cast<Size>(sequences.size())};
  for (const Size size : shape) batch_shape.push_back(size);
  const Tensor batch = full(batch_shape, options.padding_value, {.dtype = first.dtype()});
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    batch.select(0, static_cast<Size>(i))
        .narrow(dim, 0, sequences[i].shape()[dim])
        .copy_(sequences[i].detach());
  }
  return batch;
}

}  // namespace reel
