#pragma once

#include <functional>
#include <string>

namespace bench {

/// Sets OpenMP's number of threads, for `repeat`.
std::function<void()> dnn_threads(int threads);

}  // namespace bench
