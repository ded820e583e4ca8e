#pragma once

// What an error says, for tests that compare it whole.

#include <string>

#include "reel/base/error.h"

namespace reel::testing {

/// The text of the `Error` that `call` throws; "no error" where it throws none.
template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace reel::testing
