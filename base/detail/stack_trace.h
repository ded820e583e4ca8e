#pragma once

// Internal: who called, for errors whose cause lies earlier.

#include <string>
#include <string_view>
#include <vector>

#include "reel/base/export.h"

namespace reel::detail {

/// The calls that were under way in a thread.
class StackTrace {
 public:
  /// Those of the calling thread; empty where the system does not tell.
  REEL_API static StackTrace here();

  /// The innermost call into functions whose names begin with `prefix` from one whose name does not,
  /// nor with `std::`: `main.cpp:42, in step(Net&)`, or with no debug information `step(Net&)`. "" if
  /// there is none. Asks the system's `addr2line`, and where that is missing the dynamic symbols.
  REEL_API std::string caller_outside(std::string_view prefix) const;

 private:
  std::vector<void*> returns_;  // the innermost first
};

}  // namespace reel::detail
