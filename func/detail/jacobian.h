#pragma once

// Internal: Jacobians row by row and column by column.

#include <vector>

#include "reel/func/detail/trace.h"

namespace reel::func::detail {

/// The derivative of each output with respect to each input: `jacobian[output][input]`, of the
/// output's shape followed by the input's.
using Blocks = std::vector<std::vector<Tensor>>;

/// A walk back for each element of the outputs.
REEL_API Blocks jacobian_by_rows(const Trace& trace);
/// A walk over the linearization for each element of the inputs.
REEL_API Blocks jacobian_by_columns(const Trace& trace);
/// The cheaper of the two, going by the number of elements.
REEL_API Blocks jacobian(const Trace& trace);

}  // namespace reel::func::detail
