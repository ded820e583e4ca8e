#pragma once

// Internal: what the tape does when elements change in place. History is functional: the op gets a
// node whose input is what stood there before, and the tensor's history ends in that from now on. Of
// a view the elements are its base's: there a second node says "the base as it was, with that part
// written", and every view of the base derives its own history from it when it is next asked for.

#include "reel/autograd/detail/node.h"
#include "reel/autograd/tensor.h"

namespace reel::detail {

/// The tensor whose memory a view shows, which itself is the base of others or of none.
REEL_API TensorImpl& base_of(TensorImpl& x);

/// Makes a view that is to be a leaf a base of its own.
REEL_API void become_base(TensorImpl& x);

/// Has the history of `x`, whose elements have just changed, end in `node`, which has been connected
/// to the one before. Takes over the reference.
REEL_API void rebase(const Tensor& x, Node* node);

// ---- defined in ops/shape/as_strided.cpp

/// What a view with the layout of `like` shows of `base` now: a recorded view.
REEL_API Tensor part_shown_by(const Tensor& base, const TensorImpl& like);

/// The op that wrote `part`, which lies in the memory of `base`, over what was there before.
REEL_API Node* node_of_written_part(const Tensor& base, const Tensor& part);

}  // namespace reel::detail
