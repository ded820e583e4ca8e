#pragma once

// Internal: arguments with tensors inside. An argument is a tensor, a container of tensors, or a
// struct with tensors among its fields, as a module is; the walk over modules and their deep copy
// serve all of them.

#include <cstddef>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "reel/autograd/state_dict.h"
#include "reel/nn/detail/deep_copy.h"
#include "reel/nn/detail/walk.h"

namespace reel::func::detail {

using nn::detail::TensorKind;

/// A tensor of an argument that a transform differentiates with respect to.
struct Leaf {
  Tensor tensor;
  TensorKind kind = TensorKind::plain;

  /// A parameter that is not trained: its derivative is zero.
  bool is_frozen() const { return kind == TensorKind::parameter && !tensor.requires_grad(); }
  /// A trained parameter as its module holds it; inside another transform it is no leaf.
  bool is_by_value() const { return kind == TensorKind::parameter && tensor.is_leaf(); }
};

/// Finds the leaves of an argument: its parameters, each once; where it has none, its floating
/// tensors, wherever they stand.
class REEL_API LeafCollector final : public nn::detail::Visitor {
 public:
  void tensor(const Tensor& tensor, TensorKind kind) override;
  std::vector<Leaf> take();

 private:
  std::vector<Leaf> parameters_, tensors_;
  std::unordered_set<const void*> seen_;
};

/// Finds every tensor.
class REEL_API TensorCollector final : public nn::detail::Visitor {
 public:
  void tensor(const Tensor& tensor, TensorKind) override { found_.push_back(tensor); }
  std::vector<Tensor> take() { return std::move(found_); }

 private:
  std::vector<Tensor> found_;
};

/// The deep copy of anything with tensors inside in which they are off the tape.
class REEL_API Detaching final : public nn::detail::CopyMemo {
 public:
  Tensor tensor(const Tensor& original, TensorKind) override {
    return original.defined() ? original.detach() : original;
  }
};

/// What becomes of the tensors that are no leaves.
enum class Others {
  stay,  // the same tensors; of buffers copies, as layers write to them
  go     // undefined
};

/// The deep copy of an argument with `values` in place of its leaves.
class REEL_API Substitution final : public nn::detail::CopyMemo {
 public:
  Substitution(const std::vector<Leaf>& leaves, const std::vector<Tensor>& values, Others others);
  /// With these in place of tensors that the keys are the bodies of; the others stay.
  explicit Substitution(std::unordered_map<const void*, Tensor> values)
      : by_identity_(std::move(values)) {}
  Tensor tensor(const Tensor& original, TensorKind kind) override;

 private:
  std::unordered_map<const void*, Tensor> by_identity_;  // a tied parameter stays tied
  std::vector<Tensor> in_order_;                         // plain tensors stand for themselves
  std::size_t next_ = 0;
  Others others_ = Others::stay;
};

/// What a transform makes of an argument's type: of an `nn::Parameter` a `Tensor`.
template <class T>
using Argument = std::conditional_t<std::is_base_of_v<Tensor, T>, Tensor, T>;

/// Shows the tensors inside to a visitor.
template <class T>
void visit_tensors(const T& tree, nn::detail::Visitor& visitor) {
  if constexpr (std::is_same_v<T, StateDict>) {
    for (const auto& [name, tensor] : tree)
      if (tensor.defined()) visitor.tensor(tensor, TensorKind::plain);
  } else {
    nn::detail::walk_constant(tree, visitor);
  }
}

template <class T>
std::vector<Leaf> leaves_of(const T& argument) {
  static_assert(!std::is_arithmetic_v<T>,
                "Reel: a transform differentiates with respect to tensors, and this argument is a "
                "number: write tensor(2.0)");
  if constexpr (std::is_base_of_v<Tensor, T>) {
    return {{argument}};
  } else {
    LeafCollector leaves;
    visit_tensors(argument, leaves);
    return leaves.take();
  }
}

/// The argument with other tensors.
template <class T>
Argument<T> substitute(const T& argument, nn::detail::CopyMemo& tensors) {
  if constexpr (std::is_same_v<T, StateDict>) {
    StateDict copy;
    for (const auto& [name, tensor] : argument)
      copy[name] = tensors.tensor(tensor, TensorKind::plain);
    return copy;
  } else {
    return nn::detail::deep_copy(argument, tensors);
  }
}

/// The argument with `values` in place of its leaves.
template <class T>
Argument<T> with_leaves(const T& argument, const std::vector<Tensor>& values, Others others) {
  if constexpr (std::is_base_of_v<Tensor, T>) {
    return values[0];
  } else {
    Substitution tensors(leaves_of(argument), values, others);
    return substitute(argument, tensors);
  }
}

/// An argument without anything but its leaves.
template <class T>
Argument<T> skeleton(const T& argument) {
  std::vector<Tensor> values;
  for (const Leaf& leaf : leaves_of(argument)) values.push_back(leaf.tensor);
  return with_leaves(argument, values, Others::go);
}

}  // namespace reel::func::detail
