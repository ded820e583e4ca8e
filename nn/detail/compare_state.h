#pragma once

// Internal: whether a dictionary fits a module, told from names, shapes and dtypes alone, so that a
// file is known to fit before its tensors are read.

#include <string>
#include <vector>

#include "reel/nn/module.h"

namespace reel::nn::detail {

/// What is offered to a module under a name.
struct OfferedTensor {
  std::string name;
  bool defined;
  DType dtype;
  Shape shape;
};

/// Throws as `load_state_dict` says, in the name of `op`, with `where` behind the first line.
REEL_API LoadResult compare_state(const char* op, const NamedTensors& targets,
                                  const std::vector<OfferedTensor>& offered,
                                  const LoadOptions& options, const std::string& where = {});

}  // namespace reel::nn::detail
