#pragma once

#include <string>

#include "cases.h"

namespace bench {

/// The side of a Python library: a process of python/worker.py for each number of threads, started
/// when first needed, that prepares and runs cases on request. `python` is the interpreter of an
/// environment with the libraries. Throws `std::runtime_error` where the library is missing.
Side python_side(const std::string& python, const std::string& library);

}  // namespace bench
