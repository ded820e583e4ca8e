#pragma once

#include <string>

#include "reel/base/export.h"

namespace reel::detail {

/// Says where in the user's program an error arose. Contexts lie on the stack in a list, the newest
/// first; an error asks the newest for a line of its text.
struct ErrorContext {
  /// What kind of context it is; constants.
  struct Kind {
    std::string (*describe)(const ErrorContext& newest);
  };

  const Kind* kind;
  const ErrorContext* outer;
};

/// The newest context of this thread, null where there is none.
extern REEL_API constinit thread_local const ErrorContext* error_context;

/// The line that the newest context adds to an error; "" where there is none.
REEL_API std::string describe_context();

}  // namespace reel::detail
