#include "reel/kernels/range.h"

#include <cstdint>

namespace reel::kernels {
namespace {

/// out[i] = f(i), converted.
template <class F>
void generate(const Array& out, const F& f) {
  const Size n = out.numel();
  with_dtype(out.dtype(), [&]<class T>(T) {
    T* to = out.as<T>();
    for (Size i = 0; i < n; ++i) to[i] = static_cast<T>(f(i));
  });
}

}  // namespace

void arange(Size start, Size step, const Array& out) {
  // Unsigned, as distances may be larger than int64 holds.
  const auto from = static_cast<std::uint64_t>(start), by = static_cast<std::uint64_t>(step);
  generate(out,
           [=](Size i) { return static_cast<Size>(from + static_cast<std::uint64_t>(i) * by); });
}

void arange(double start, double step, const Array& out) {
  generate(out, [=](Size i) { return start + static_cast<double>(i) * step; });
}

void linspace(double start, double end, const Array& out) {
  const Size n = out.numel();
  const double step = n > 1 ? (end - start) / static_cast<double>(n - 1) : 0;
  generate(out, [=](Size i) {
    if (n == 1) return start;
    return 2 * i < n ? start + step * static_cast<double>(i)
                     : end - step * static_cast<double>(n - 1 - i);
  });
}

}  // namespace reel::kernels
