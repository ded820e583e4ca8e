#include "reel/nn/detail/deep_copy.h"

#include "reel/autograd/tape.h"
#include "reel/ops/shape/view.h"

namespace reel::nn::detail {

Tensor CopyMemo::tensor(const Tensor& original, TensorKind) {
  if (!original.defined()) return {};
  for (const auto& [from, to] : tensors_)
    if (from.is_same(original)) return to;
  NoGradGuard no_grad;
  Tensor copy = clone(original);
  if (original.is_leaf()) copy.requires_grad_(original.requires_grad());
  tensors_.emplace_back(original, copy);
  return copy;
}

std::shared_ptr<void>& CopyMemo::shared(const void* original) {
  for (auto& [from, to] : shared_)
    if (from == original) return to;
  return shared_.emplace_back(original, nullptr).second;
}

}  // namespace reel::nn::detail
