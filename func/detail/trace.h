#pragma once

// Internal: one run of a function on the tape, and what can be asked of it. This is all that the
// transforms know of the engine.

#include <cstddef>
#include <vector>

#include "reel/autograd/tape.h"
#include "reel/func/detail/tree.h"

namespace reel::func::detail {

/// Whether a trace is walked for the last time, and whether the walk is to be walked itself.
enum class Walk { last, again, record };

/// A function that was run on `inputs`, which stand for the leaves of its arguments, and gave
/// `outputs`.
///
/// The inputs are views of the leaves, so that a derivative with respect to them is none with
/// respect to the same tensors captured by the function or to those of a transform around it. They
/// come from what the caller's tape follows, if it does; parameters that are leaves are taken by
/// value.
class REEL_API Trace {
 public:
  Trace(const char* name, const std::vector<std::vector<Leaf>>& arguments);

  /// What the function is to be given for the leaves of argument `i` of those.
  const std::vector<std::vector<Tensor>>& arguments() const { return arguments_; }
  /// Says what came out; `others` came out too, but are not differentiated.
  void finish(std::vector<Tensor> outputs, const std::vector<Tensor>& others = {});

  const char* name() const { return name_; }
  const std::vector<Tensor>& inputs() const { return inputs_; }
  const std::vector<Tensor>& outputs() const { return outputs_; }
  /// Whether the tape follows results further: they depend on something outside, and it was being
  /// recorded there.
  bool is_followed() const { return followed_; }
  /// As the caller may have it: on the tape only where results are.
  Tensor released(const Tensor& y) const { return followed_ ? y : y.detach(); }

  /// The gradients of the inputs, given those of the outputs as far as they are defined; zeros where
  /// there is no way.
  std::vector<Tensor> pull(const std::vector<Tensor>& cotangents, Walk walk) const;
  /// The same from other results that were computed from the inputs.
  std::vector<Tensor> pull(const std::vector<Tensor>& outputs,
                           const std::vector<Tensor>& cotangents, Walk walk) const;
  /// Throws unless `given` has a tensor like each of `wanted`. `what` is a tangent or a cotangent.
  void check_like(const char* what, const std::vector<Tensor>& given,
                  const std::vector<Tensor>& wanted) const;

 private:
  Tensor follow(const Leaf& leaf);

  const char* name_;
  bool outside_;           // whether the caller records
  bool followed_ = false;  // before `finish`: whether an input is followed outside
  std::vector<std::vector<Tensor>> arguments_;
  std::vector<Tensor> inputs_, outputs_;
  std::vector<std::uint32_t> versions_;
};

/// Throws unless `loss` has one element.
REEL_API void check_loss(const char* name, const Tensor& loss);

/// The gradients as results: each a tensor of its own; where the tape does not follow them, with
/// memory of its own, so that one may be changed in place.
REEL_API std::vector<Tensor> own(std::vector<Tensor> gradients);

/// The derivative of a traced function as a linear map from tangents of the inputs to tangents of
/// the outputs. J^T u is linear in u, and its derivative along it is J: so a walk back over the
/// recorded walk back goes forwards.
class REEL_API Linearization {
 public:
  explicit Linearization(const Trace& trace);
  /// The tangents of the outputs; zeros where an output does not depend on the inputs. An undefined
  /// tangent counts as zero.
  std::vector<Tensor> push(const std::vector<Tensor>& tangents) const;

 private:
  const char* name_;
  bool followed_;
  std::vector<Tensor> u_, pulled_;  // J^T u
};

}  // namespace reel::func::detail
