#pragma once

#include <cstdio>
#include <string_view>

namespace reel::testing {

/// How many times REEL_SKIP was reached in this process; tests/main.cpp turns it into skipped
/// cases.
inline int skips = 0;

inline void skip(std::string_view reason, const char* file, int line) {
  ++skips;
  std::printf("%s:%d: skipped: %.*s\n", file, line, static_cast<int>(reason.size()), reason.data());
}

}  // namespace reel::testing

/// Leaves the running test case, says why, and lets it count as skipped, not as passed.
#define REEL_SKIP(reason)                              \
  do {                                                 \
    ::reel::testing::skip(reason, __FILE__, __LINE__); \
    return;                                            \
  } while (false)
