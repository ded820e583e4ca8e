#include "reel/nn/embedding.h"

#include "reel/autograd/fail.h"
#include "reel/autograd/ops/random.h"
#include "reel/autograd/ops/view.h"
#include "reel/autograd/tape.h"

namespace reel::nn {

Tensor detail::embedding_weight(Size num_embeddings, Size embedding_dim,
                                std::optional<Size> padding_idx) {
  check(num_embeddings >= 0 && embedding_dim >= 0, "Embedding",
        "expected num_embeddings and embedding_dim of 0 or more, got {} and {}", num_embeddings,
        embedding_dim);
  check(!padding_idx || (*padding_idx >= -num_embeddings && *padding_idx < num_embeddings),
        "Embedding", "expected a padding_idx in [{}, {}), got {}", -num_embeddings, num_embeddings,
        padding_idx.value_or(0));
  const Tensor weight = randn({num_embeddings, embedding_dim});
  if (padding_idx) select(weight, 0, *padding_idx).zero_();
  return weight;
}

}  // namespace reel::nn
