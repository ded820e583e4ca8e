#pragma once

#include <string>

#include "cases.h"

namespace bench {

/// How a side runs a case about whole programs: time from start to the end of the first training
/// step, peak memory, bytes of program and libraries, seconds to compile a user's file. `python`
/// is the peers' interpreter. No step where the side has no such program.
Step program_step(const std::string& side, const Case& c, const std::string& python);

}  // namespace bench
