#pragma once

#include "reel/kernels/array.h"

namespace reel::kernels {

// Order along one dimension: NaN counts as greater than all other numbers, and of equal elements the
// one that comes first stays first. Results are contiguous and have the sizes of `x` but for that
// dimension.

/// The `count` least elements along `dim` in rising order, or, where `descending`, the greatest in
/// falling order, and where they stood. `values` may be missing. The dimension has at least `count`
/// elements.
void sort(const ConstArray& x, Size dim, bool descending, Size count, const Array& values,
          const Array& indices);

/// The element along `dim` that comes after `k` others in rising order, and where it stood; the
/// dimension is 1 in the results. With `nan_first` it is a NaN as soon as there is one.
void kth_value(const ConstArray& x, Size dim, Size k, bool nan_first, const Array& values,
               const Array& indices);

}  // namespace reel::kernels
