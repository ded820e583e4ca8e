#include "reel/kernels/sort.h"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <vector>

#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

/// An element and where it stood.
template <class T>
struct Placed {
  T value;
  std::int64_t index;
};

template <class T>
bool is_nan(T value) {
  if constexpr (std::floating_point<T>) {
    return std::isnan(value);
  } else {
    return false;
  }
}

/// A total order: no two elements are equal in it, so that every algorithm gives one result.
template <class T, bool descending>
struct Before {
  bool operator()(const Placed<T>& a, const Placed<T>& b) const {
    const Placed<T>& less = descending ? b : a;
    const Placed<T>& more = descending ? a : b;
    if (less.value < more.value || (is_nan(more.value) && !is_nan(less.value))) return true;
    if (more.value < less.value || (is_nan(less.value) && !is_nan(more.value))) return false;
    return a.index < b.index;
  }
};

/// Calls `f(row)` for every row along `dim`, with the row's elements, and then `out(i)`, where its
/// i-th result goes.
template <class T, class F>
void each_row(const ConstArray& x, Size dim, Size results, const F& f) {
  const Shape& shape = x.shape();
  const bool is_number = shape.empty();
  const Size n = is_number ? 1 : shape[dim];
  const Size stride = is_number ? 1 : x.strides()[dim];
  if (n == 0) return;
  const Size rows = x.numel() / n;
  Size inner = 1;  // rows that lie between two elements of one row in the results
  for (Size d = dim + 1; d < shape.size(); ++d) inner *= shape[d];
  const T* const data = x.as<T>();
  parallel_for(rows, std::max<Size>(1, parallel_grain / (8 * n)), [&](Size begin, Size end) {
    std::vector<Placed<T>> row(static_cast<std::size_t>(n));
    for (Size r = begin; r < end; ++r) {
      const T* from = data;
      Size rest = r;
      for (Size d = shape.size() - 1; d >= 0; --d) {
        if (d == dim) continue;
        from += rest % shape[d] * x.strides()[d];
        rest /= shape[d];
      }
      for (Size i = 0; i < n; ++i) row[static_cast<std::size_t>(i)] = {from[i * stride], i};
      const Size first = r / inner * results * inner + r % inner;
      f(row, [&](Size i) { return first + i * inner; });
    }
  });
}

template <class T, bool descending>
void sort_rows(const ConstArray& x, Size dim, Size count, const Array& values,
               const Array& indices) {
  std::int64_t* const places = indices.as<std::int64_t>();
  T* const sorted = values ? values.as<T>() : nullptr;
  each_row<T>(x, dim, count, [&](std::vector<Placed<T>>& row, const auto& out) {
    const auto middle = row.begin() + count;
    if (middle != row.end())
      std::nth_element(row.begin(), middle, row.end(), Before<T, descending>{});
    std::sort(row.begin(), middle, Before<T, descending>{});
    for (Size i = 0; i < count; ++i) {
      const Placed<T>& element = row[static_cast<std::size_t>(i)];
      places[out(i)] = element.index;
      if (sorted != nullptr) sorted[out(i)] = element.value;
    }
  });
}

}  // namespace

void sort(const ConstArray& x, Size dim, bool descending, Size count, const Array& values,
          const Array& indices) {
  if (count == 0) return;
  with_dtype(x.dtype(), [&]<class T>(T) {
    if (descending) {
      sort_rows<T, true>(x, dim, count, values, indices);
    } else {
      sort_rows<T, false>(x, dim, count, values, indices);
    }
  });
}

void kth_value(const ConstArray& x, Size dim, Size k, bool nan_first, const Array& values,
               const Array& indices) {
  with_dtype(x.dtype(), [&]<class T>(T) {
    std::int64_t* const places = indices.as<std::int64_t>();
    T* const chosen = values.as<T>();
    each_row<T>(x, dim, 1, [&](std::vector<Placed<T>>& row, const auto& out) {
      auto at = row.end();
      if (nan_first) {
        at = std::find_if(row.begin(), row.end(),
                          [](const Placed<T>& element) { return is_nan(element.value); });
      }
      if (at == row.end()) {
        at = row.begin() + k;
        std::nth_element(row.begin(), at, row.end(), Before<T, false>{});
      }
      places[out(0)] = at->index;
      chosen[out(0)] = at->value;
    });
  });
}

}  // namespace reel::kernels
