#include "reel/nn/dropout.h"

#include "reel/autograd/fail.h"

namespace reel::nn {

bool detail::checked_probability(const char* layer, double p) {
  check(p >= 0 && p <= 1, layer, "expected p in [0, 1], got {}", p);
  return true;
}

}  // namespace reel::nn
