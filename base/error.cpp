#include "reel/base/error.h"

#include <algorithm>
#include <utility>

#include "reel/base/detail/error_context.h"

namespace reel {

constinit thread_local const detail::ErrorContext* detail::error_context = nullptr;

namespace {

// The line that the newest context adds. It has none of its own while it is asked: an error inside
// is no news.
std::string context_line() {
  const detail::ErrorContext* newest = std::exchange(detail::error_context, nullptr);
  std::string line;
  if (newest != nullptr) {
    try {
      line = "\n  " + newest->kind->describe(*newest);
    } catch (const Error&) {
    }
  }
  detail::error_context = newest;
  return line;
}

}  // namespace

void detail::throw_error(const char* op, const std::string& message) {
  std::string text = "[" + std::string(op) + "] " + message;
  text.insert(std::min(text.find("\nhelp: "), text.size()), context_line());
  throw Error(text);
}

}  // namespace reel
