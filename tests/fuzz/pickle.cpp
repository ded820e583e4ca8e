// The unpickler over any bytes: entries or an Error. Tensors lie inside their storages, names
// differ, and what comes out is in proportion to what went in.

#include <cstring>
#include <string>
#include <unordered_set>

#include "fuzz/demand.h"
#include "reel/base/error.h"
#include "reel/io/detail/unpickler.h"

using namespace reel;
using namespace reel::io::detail;

namespace {

void demand_inside(const PickledTensor& tensor) {
  DEMAND(tensor.type != nullptr && tensor.shape.size() == tensor.strides.size());
  auto last = static_cast<long double>(
      tensor.offset);  // exact where it matters, below 2^64, and never wraps around
  bool empty = false;
  for (Size d = 0; d < tensor.shape.size(); ++d) {
    DEMAND(tensor.shape[d] >= 0 && tensor.strides[d] >= 0);
    empty = empty || tensor.shape[d] == 0;
    last +=
        static_cast<long double>(tensor.shape[d] - 1) * static_cast<long double>(tensor.strides[d]);
  }
  DEMAND(tensor.offset >= 0 && tensor.offset <= tensor.storage_numel);
  DEMAND(empty || last < static_cast<long double>(tensor.storage_numel));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view pickle(reinterpret_cast<const char*>(data), size);
  PickledState state;
  try {
    state = unpickled("fuzz", pickle, "root", "file");
  } catch (const Error& error) {
    DEMAND(std::strncmp(error.what(), "[fuzz] expected ", 16) == 0);
    return 0;
  }
  std::unordered_set<std::string> names;
  std::size_t bytes = 0;
  for (const auto& [name, value] : state.entries) {
    DEMAND(names.insert(name).second);
    bytes += name.size();
    if (const auto* tensor = std::get_if<PickledTensor>(&value)) demand_inside(*tensor);
  }
  DEMAND(bytes <= 256 * size + (1 << 16));
  return 0;
}
