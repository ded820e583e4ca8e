// must not compile: as_many_tensors_as_the_fused_function_takes

#include "reel/ops/pointwise/fuse.h"

reel::Tensor call(const reel::Tensor& x) {
  return reel::fuse([](auto a, auto b) { return a * b; })(x);
}
