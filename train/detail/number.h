#pragma once

// Internal: how a number stands on a progress line and in a table.

#include <string>

namespace reel::train::detail {

/// "0.3712", or "3.712e-05" where four decimals would not do.
std::string number(double value);

}  // namespace reel::train::detail
