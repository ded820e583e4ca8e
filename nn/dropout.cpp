#include "reel/nn/dropout.h"

#include "reel/base/fail.h"

namespace reel::nn {

template <>
void detail::complete(Dropout& layer) {
  check(layer.p >= 0 && layer.p <= 1, "Dropout", "expected p in [0, 1], got {}", layer.p);
}

}  // namespace reel::nn
