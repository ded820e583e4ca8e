#include "reel/kernels/optim.h"

#include <cstddef>

#include "reel/kernels/flush_denormals.h"
#include "reel/kernels/optim_table.h"
#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

/// `array + offset` elements; null stays null.
void* advance(void* array, Size offset, DType dtype) {
  return array == nullptr ? nullptr : static_cast<std::byte*>(array) + offset * item_size(dtype);
}
const void* advance(const void* array, Size offset, DType dtype) {
  return static_cast<const std::byte*>(array) + offset * item_size(dtype);
}

int index_of(DType dtype) { return dtype == float64 ? 1 : 0; }

}  // namespace

void sgd_step(DType dtype, Size n, const SgdStep& step, const void* gradient, void* parameter,
              void* buffer) {
  parallel_for(n, parallel_grain, [&](Size begin, Size end) {
    const FlushDenormals flush;
    optim_table().sgd[index_of(dtype)](end - begin, step, advance(gradient, begin, dtype),
                                       advance(parameter, begin, dtype),
                                       advance(buffer, begin, dtype));
  });
}

void adam_step(DType dtype, Size n, const AdamStep& step, const void* gradient, void* parameter,
               void* mean, void* variance, void* max_variance) {
  parallel_for(n, parallel_grain, [&](Size begin, Size end) {
    const FlushDenormals flush;
    optim_table().adam[index_of(dtype)](
        end - begin, step, advance(gradient, begin, dtype), advance(parameter, begin, dtype),
        advance(mean, begin, dtype), advance(variance, begin, dtype),
        advance(max_variance, begin, dtype));
  });
}

}  // namespace reel::kernels
