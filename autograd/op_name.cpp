#include "reel/autograd/op_name.h"

#include <mutex>
#include <unordered_set>

namespace reel {

const char* OpName::interned(const std::string& name) {
  // Never destroyed: tensors that outlive main still name their ops.
  static auto& mutex = *new std::mutex;
  static auto& names = *new std::unordered_set<std::string>;
  const std::lock_guard lock(mutex);
  return names.insert(name).first->c_str();
}

}  // namespace reel
