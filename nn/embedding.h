#pragma once

#include <optional>

#include "reel/nn/detail/call.h"
#include "reel/nn/detail/completed.h"
#include "reel/nn/parameter.h"
#include "reel/nn/required.h"
#include "reel/ops/index/index.h"

namespace reel::nn {

struct Embedding;
template <>
REEL_API void detail::complete(Embedding& layer);

/// A table of vectors looked up by number: integers `[..]` -> `[.., embedding_dim]`. Starts as
/// normal numbers of mean 0 and standard deviation 1. Follows `torch.nn.Embedding`.
///
/// Throws `[Embedding] expected ...` when a size is negative, `padding_idx` is no row or a given
/// weight has another shape, and `[embedding] expected indices in [0, 10), got 12`.
///
/// **Example**
/// ```cpp
/// nn::Embedding table{.num_embeddings = 65, .embedding_dim = 128};
/// Tensor vectors = table(tensor({3, 1, 4}));  // [3, 128]
/// ```
struct Embedding {
  Required<Size> num_embeddings;  ///< how many rows: indices are below it
  Required<Size> embedding_dim;   ///< how many numbers a row has
  /// This row starts as zeros and is not trained; below 0 it counts from the end.
  std::optional<Size> padding_idx = {};
  Parameter weight = {};  ///< `[num_embeddings, embedding_dim]`
  Hooks hooks = {};       ///< see `nn::Hooks`
  detail::Completed<Embedding> completed = {};

  /// Integers `[..]` -> `[.., embedding_dim]`.
  Tensor operator()(const Tensor& input) const {
    return detail::call(
        this, [&] { return embedding(input, weight, {.padding_idx = padding_idx}); }, input);
  }
};

}  // namespace reel::nn
