#pragma once

#include <cstring>
#include <optional>
#include <string>

#include "fuzz/demand.h"
#include "fuzz/memory_file.h"
#include "reel/autograd/tensor.h"
#include "reel/base/error.h"
#include "reel/io/inspect.h"
#include "reel/io/load.h"
#include "reel/io/save.h"

namespace reel::testing {

/// Whether both have the same dtype, shape and bits; both contiguous.
inline bool same_bits(const Tensor& a, const Tensor& b) {
  const auto bytes = static_cast<std::size_t>(a.numel() * item_size(a.dtype()));
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         (bytes == 0 || std::memcmp(a.impl().data, b.impl().data, bytes) == 0);
}

inline std::optional<StateDict> loaded(const std::string& path) {
  try {
    return io::load_state_dict(path);
  } catch (const Error& error) {
    DEMAND(std::strncmp(error.what(), "[io::load] expected ", 20) == 0);
    return std::nullopt;
  }
}

/// What was loaded is what `inspect` says, and is the same once it is saved and loaded again.
inline void demand_that_it_travels(const StateDict& state, const std::string& in,
                                   const MemoryFile& out, const std::string& out_path) {
  const io::FileInfo info = io::inspect(in);
  DEMAND(info.tensors.size() == state.size());
  for (const io::TensorInfo& tensor : info.tensors) {
    const Tensor& read = state.at(tensor.name);
    DEMAND(read.dtype() == tensor.dtype && read.shape() == tensor.shape);
  }
  out.clear();
  io::save(state, out_path);
  const std::optional<StateDict> again = loaded(out_path);
  DEMAND(again.has_value() && again->size() == state.size());
  for (const auto& [name, tensor] : state) DEMAND(same_bits(tensor, again->at(name)));
}

}  // namespace reel::testing
