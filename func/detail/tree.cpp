#include "reel/func/detail/tree.h"

#include "reel/base/fail.h"

namespace reel::func::detail {

void LeafCollector::tensor(const Tensor& tensor, TensorKind kind) {
  if (kind == TensorKind::parameter) {
    if (seen_.insert(tensor.get()).second) parameters_.push_back({tensor, kind});
  } else if (kind == TensorKind::plain && tensor.is_floating_point()) {
    tensors_.push_back({tensor, kind});
  }
}

std::vector<Leaf> LeafCollector::take() {
  return std::move(parameters_.empty() ? tensors_ : parameters_);
}

Substitution::Substitution(const std::vector<Leaf>& leaves, const std::vector<Tensor>& values,
                           Others others)
    : others_(others) {
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if (leaves[i].kind == TensorKind::parameter) {
      by_identity_.emplace(leaves[i].tensor.get(), values[i]);
    } else {
      in_order_.push_back(values[i]);
    }
  }
}

Tensor Substitution::tensor(const Tensor& original, TensorKind kind) {
  if (!original.defined()) return {};
  if (const auto found = by_identity_.find(original.get()); found != by_identity_.end())
    return found->second;
  if (kind == TensorKind::plain && original.is_floating_point() && !in_order_.empty()) {
    // A struct that two pointers share is looked into twice and copied once.
    check(
        next_ < in_order_.size(), "func",
        "expected an argument in which each tensor stands in one place, got one that shares some");
    return in_order_[next_++];
  }
  if (others_ == Others::go) return {};
  return kind == TensorKind::buffer ? CopyMemo::tensor(original, kind) : original;
}

}  // namespace reel::func::detail
