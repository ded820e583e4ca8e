#pragma once

// Internal: a walk over the tape from tensors to places on it.

#include <vector>

#include "reel/autograd/detail/node.h"

namespace reel::detail {

/// The gradients of `roots`, weighted by `gradients`, at the ops and leaves of `edges`; undefined
/// where none came. Frees the graph unless `create_graph`. The hooks of these do not run: they wait
/// for what other walks bring.
REEL_API std::vector<Tensor> gradients_at(const std::vector<Tensor>& roots,
                                          const std::vector<Tensor>& gradients,
                                          const std::vector<Edge>& edges, bool create_graph);

}  // namespace reel::detail
