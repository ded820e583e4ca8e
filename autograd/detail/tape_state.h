#pragma once

// Internal: what the tape knows about the calling thread.

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "reel/autograd/tensor.h"

namespace reel {

class Saved;

namespace detail {

struct PackHooks;

/// Looks at what an op has saved, while its rules are copied: they tell of themselves in no other way.
class SavedVisitor {
 public:
  virtual void visit(const Saved& saved) = 0;

 protected:
  ~SavedVisitor() = default;
};

/// Tensors by what stood for them.
using Unpacked = std::deque<std::pair<const TensorImpl*, Tensor>>;

struct TapeState {
  bool enabled = true;
  bool detect_anomaly = false;
  std::uint64_t age = 0;            // of the youngest node this thread has made or built upon
  const char* running = nullptr;    // the op whose backward is running, for error messages
  SavedVisitor* visitor = nullptr;  // is shown whatever is copied of what ops have saved
  // What packs tensors that are saved, if anything does, and where the walk keeps those that an op
  // has unpacked.
  const std::shared_ptr<const PackHooks>* packing = nullptr;
  Unpacked* unpacked = nullptr;
};
extern REEL_API constinit thread_local TapeState tape;

}  // namespace detail
}  // namespace reel
