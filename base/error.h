#pragma once

#include <stdexcept>
#include <string>

#include "reel/base/export.h"

namespace reel {

/// What every function of Reel throws on bad input. The text has one grammar,
/// `[op] expected ..., got ...`, followed where it helps by a line `help: ...`.
class REEL_API Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {
/// Throws `Error("[op] message")`; out of line so that the check around it stays small.
[[noreturn]] REEL_API void throw_error(const char* op, const std::string& message);
}  // namespace detail

}  // namespace reel
