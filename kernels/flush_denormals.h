#pragma once

#ifdef __SSE2__
#include <immintrin.h>
#endif

namespace reel::kernels {

/// For as long as it lives, numbers too small for their exponent count as zero on this thread.
/// Averages of gradients that have become zero fade into such numbers, and each operation on one
/// costs the processor a hundred times its usual time: they doubled the time of a training step.
class FlushDenormals {
#ifdef __SSE2__
 public:
  FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040U); }  // FTZ and DAZ
  ~FlushDenormals() { _mm_setcsr(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  unsigned before_;
#else
 public:
  ~FlushDenormals() {}  // so that a guard does not look unused
#endif
};

}  // namespace reel::kernels
