#include "reel/nn/embedding.h"

#include "reel/nn/detail/fill.h"
#include "reel/ops/create/random.h"
#include "reel/ops/shape/view.h"

namespace reel::nn {

template <>
void detail::complete(Embedding& layer) {
  const Size rows = layer.num_embeddings, columns = layer.embedding_dim;
  const std::optional<Size> padding = layer.padding_idx;
  check(rows >= 0 && columns >= 0, "Embedding",
        "expected num_embeddings and embedding_dim of 0 or more, got {} and {}", rows, columns);
  check(!padding || (*padding >= -rows && *padding < rows), "Embedding",
        "expected a padding_idx in [{}, {}), got {}", -rows, rows, padding.value_or(0));
  fill("Embedding", "weight", layer.weight, {rows, columns}, [&](const Shape& shape) {
    const Tensor weight = randn(shape);
    if (padding) select(weight, 0, *padding).zero_();
    return weight;
  });
}

}  // namespace reel::nn
