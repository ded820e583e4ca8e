#include "reel/kernels/scan.h"

#include <algorithm>

#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

/// Neighbours: a chain of additions, carried in double so that long rows of floats keep their
/// digits.
template <class T>
void scan_row(const T* x, Size n, bool reverse, T* out) {
  using Total = std::conditional_t<std::is_same_v<T, float>, double, T>;
  Total total{};
  for (Size k = 0; k < n; ++k) {
    const Size i = reverse ? n - 1 - k : k;
    total += static_cast<Total>(x[i]);
    out[i] = static_cast<T>(total);
  }
}

/// Columns side by side: each row is the one before plus the next of x.
template <class T>
void scan_columns(const T* x, Size n, Size inner, bool reverse, T* out) {
  const Size step = reverse ? -inner : inner;
  const Size first = reverse ? (n - 1) * inner : 0;
  std::copy_n(x + first, inner, out + first);
  for (Size k = 1; k < n; ++k) {
    const Size at = first + k * step;
    const T* before = out + at - step;
    for (Size j = 0; j < inner; ++j) out[at + j] = before[j] + x[at + j];
  }
}

}  // namespace

void cumsum(const ConstArray& x, Size dim, bool reverse, const Array& out) {
  const Size numel = x.numel();
  if (numel == 0) return;
  const Size n = x.dim() == 0 ? 1 : x.size(dim);
  Size inner = 1;
  for (Size d = dim + 1; d < x.dim(); ++d) inner *= x.size(d);
  const Size outer = numel / (n * inner);
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    parallel_for(outer, std::max<Size>(1, parallel_grain / (n * inner)), [&](Size begin, Size end) {
      for (Size i = begin; i < end; ++i) {
        const T* from = static_cast<const T*>(x.data()) + i * n * inner;
        T* to = static_cast<T*>(out.data()) + i * n * inner;
        inner == 1 ? scan_row(from, n, reverse, to) : scan_columns(from, n, inner, reverse, to);
      }
    });
  };
  if (is_floating(x.dtype())) {
    with_floating(x.dtype(), run);
  } else {
    run(std::uint64_t{});  // int64, whose sums wrap around
  }
}

}  // namespace reel::kernels
