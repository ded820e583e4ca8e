#pragma once

#include <optional>

#include "reel/autograd/ops/index.h"
#include "reel/nn/detail/observe.h"
#include "reel/nn/parameter.h"
#include "reel/nn/required.h"

namespace reel::nn {

namespace detail {
REEL_API Tensor embedding_weight(Size num_embeddings, Size embedding_dim,
                                 std::optional<Size> padding_idx);
}  // namespace detail

/// A table of vectors looked up by number: integers `[..]` -> `[.., embedding_dim]`. Starts as
/// normal numbers of mean 0 and standard deviation 1. Follows `torch.nn.Embedding`.
///
/// Throws `[Embedding] expected ...` when a size is negative or `padding_idx` is no row, and
/// `[embedding] expected indices in [0, 10), got 12`.
///
/// **Example**
/// ```cpp
/// nn::Embedding table{.num_embeddings = 65, .embedding_dim = 128};
/// Tensor vectors = table(tensor({3, 1, 4}));  // [3, 128]
/// ```
struct Embedding {
  Required<Size> num_embeddings;
  Required<Size> embedding_dim;
  /// This row starts as zeros and is not trained; below 0 it counts from the end.
  std::optional<Size> padding_idx = {};
  Parameter weight =
      detail::embedding_weight(num_embeddings, embedding_dim, padding_idx);  ///< `[n, d]`

  Tensor operator()(const Tensor& input) const {
    return detail::observe(this, embedding(input, weight, {.padding_idx = padding_idx}));
  }
};

}  // namespace reel::nn
