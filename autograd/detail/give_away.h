#pragma once

// Internal: what an op may do with a tensor that was given to it for good, as `relu(linear(x, w))`
// gives what `linear` made. Where nobody else can see the elements or what they were, the result is
// written in their place; and where the op's gradient needs nothing but its output, the tape gets
// no new node: the one that made the tensor goes on as the maker of the result.
//
// A function that does so takes its tensor by value. Whoever keeps a handle, a view, a gradient or
// another result of the same tensor sees that nothing has changed.

#include "reel/autograd/detail/node.h"

namespace reel::detail {

/// Whether the memory is this body's alone, or, of a view, its base's too, which nobody else holds.
REEL_API bool is_only_user(const TensorImpl& x);

/// Whether nobody else can see the elements of `tensor`, and they lie densely.
REEL_API bool is_own_buffer(const Tensor& tensor);

/// Whether only `x` can see its elements, and, if it was recorded, its history.
REEL_API bool is_given_away(const Tensor& x);

/// After the elements of `x`, which was given away, went through `last` in place: has its history
/// end in that.
REEL_API void append(const Tensor& x, const Epilogue& last);

/// Takes `last` off the history of `x`, if it was given away and its history ends so: for an op
/// whose gradient covers that of `last`. Returns whether it did.
REEL_API bool remove(const Tensor& x, const Epilogue& last);

/// The node that made `x`, which was given away, if it has that rule and nothing came after it;
/// else null.
template <class Rule>
JointNode<Rule>* maker(const Tensor& x) {
  if (!is_given_away(x) || x.impl().node == nullptr) return nullptr;
  return dynamic_cast<JointNode<Rule>*>(x.impl().node);
}

/// As `record`: `out` was computed from what `maker` had been given, which its own output was only
/// a step to. The new node has the inputs of `maker`, which is left with none.
template <class Rule, class NewRule>
Tensor record_instead(OpName name, Tensor out, JointNode<Rule>& maker, NewRule rule) {
  prepare_output(name, out, rule);
  attach(out, make_node<JointNode<NewRule>>(name, out, maker, std::move(rule)));
  return out;
}

}  // namespace reel::detail
