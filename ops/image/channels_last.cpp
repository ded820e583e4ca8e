#include "reel/ops/image/channels_last.h"

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/kernels/copy.h"

namespace reel::detail {

Strides channels_last_strides(const Shape& shape) {
  Strides strides = Shape::repeat(shape.size(), 1);
  Size step = shape[1];
  for (Size i = shape.size() - 1; i >= 2; --i) {
    strides[i] = step;
    step *= shape[i];
  }
  strides[0] = step;
  return strides;
}

Tensor empty_channels_last(const Shape& shape, DType dtype) {
  return shape.numel() == 0 ? empty(shape, {.dtype = dtype})
                            : empty_strided(shape, channels_last_strides(shape), dtype);
}

Dims all_but_channels(Size rank) {
  Dims dims{0};
  for (Size d = 2; d < rank; ++d) dims.push_back(d);
  return dims;
}

Tensor channels_last(const Tensor& x) {
  const Shape& shape = x.shape();
  const Strides wanted = channels_last_strides(shape);
  bool as_wanted = true;
  for (Size i = 0; i < shape.size(); ++i) {
    as_wanted = as_wanted && (shape[i] == 1 || x.strides()[i] == wanted[i]);
  }
  if (as_wanted || x.numel() == 0) return x;
  const OpScope scope("channels_last", x);
  const Tensor copy = empty_strided(shape, wanted, x.dtype());
  kernels::copy(readable(x), writable(copy));
  return copy;
}

}  // namespace reel::detail
