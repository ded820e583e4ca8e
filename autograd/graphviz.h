#pragma once

#include <string>
#include <vector>

#include "reel/autograd/state_dict.h"
#include "reel/autograd/tensor.h"
#include "reel/base/export.h"

namespace reel {

/// What `graphviz` can be told.
struct GraphvizOptions {
  NamedTensors names = {};     ///< of leaves and results, such as `nn::named_parameters(net)`
  bool saved = true;           ///< also how much each op keeps for its backward
  bool left_to_right = false;  ///< instead of from the top down
};

/// The ops and leaves that `root` came from, as a graph in the language of Graphviz: `dot -Tsvg`
/// makes a picture of it. Ops have their names and the shapes of their results; leaves that require
/// grad have their names, if given, shapes and dtypes. Arrows go the way of the data. What the ops
/// keep is told in bytes, as far as they keep it by `save`.
///
/// Throws when `root` is not on the tape.
///
/// **Example**
/// ```cpp
/// std::ofstream("net.dot") << graphviz(loss, {.names = nn::named_parameters(net)});
/// ```
REEL_API std::string graphviz(const Tensor& root, const GraphvizOptions& options = {});

/// The same from several results.
REEL_API std::string graphviz(const std::vector<Tensor>& roots,
                              const GraphvizOptions& options = {});

}  // namespace reel
