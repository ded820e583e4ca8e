#pragma once

#include <omp.h>

namespace reel::kernels {

/// For as long as it lives, oneDNN and OpenBLAS use the calling thread alone: they read OpenMP's
/// setting of it. What their threads are to share is cut and handed out by `parallel_for`: OpenMP's
/// own threads would spin for milliseconds between two calls, and not survive a fork.
class SingleThreadScope {
 public:
  SingleThreadScope() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~SingleThreadScope() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
  SingleThreadScope(const SingleThreadScope&) = delete;
  SingleThreadScope& operator=(const SingleThreadScope&) = delete;

 private:
  int before_;
};

}  // namespace reel::kernels
