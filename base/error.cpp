#include "reel/base/error.h"

#include <algorithm>
#include <utility>

#include "reel/base/detail/error_context.h"

namespace reel {

constinit thread_local const detail::ErrorContext* detail::error_context = nullptr;

std::string detail::describe_context() {
  // None while it is asked: an error inside is no news.
  const ErrorContext* newest = std::exchange(error_context, nullptr);
  std::string line;
  if (newest != nullptr) {
    try {
      line = newest->kind->describe(*newest);
    } catch (const Error&) {
    }
  }
  error_context = newest;
  return line;
}

void detail::throw_error(const char* op, const std::string& message) {
  std::string text = "[" + std::string(op) + "] " + message;
  const std::string context = describe_context();
  if (!context.empty()) {
    const std::size_t at = std::min(text.find("\nhelp: "), text.size());
    text.insert(at, context).insert(at, "\n  ");
  }
  throw Error(text);
}

}  // namespace reel
