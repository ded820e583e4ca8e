// What the machine itself can do: the bytes a case must move, as fast as a plain loop streams them.

#include <sys/mman.h>

#include <cstdlib>
#include <memory>
#include <new>

#include "cases.h"
#include "limit/dnn.h"

namespace bench {
namespace {

struct Free {
  void operator()(float* memory) const { std::free(memory); }
};
using Buffer = std::shared_ptr<float>;

/// n ones, on huge pages where the system has them.
Buffer buffer(std::int64_t n) {
  constexpr std::size_t huge = std::size_t{2} << 20;
  const std::size_t bytes = (static_cast<std::size_t>(n) * sizeof(float) + huge - 1) / huge * huge;
  auto* memory = static_cast<float*>(std::aligned_alloc(huge, bytes));
  if (memory == nullptr) throw std::bad_alloc();
  madvise(memory, bytes, MADV_HUGEPAGE);
  std::fill_n(memory, n, 1.0F);
  return {memory, Free()};
}

/// Fewer elements lie in the nearest cache, and calls cost more than bytes: no limit of this kind.
constexpr std::int64_t fewest = 100000;

// Loops that do nothing but read and write; noinline, so that they are not merged or dropped.
#define BENCH_PARALLEL _Pragma("omp parallel for simd schedule(static)")

__attribute__((noinline)) void stream_1_1(std::int64_t n, float* __restrict w,
                                          const float* __restrict a) {
  BENCH_PARALLEL
  for (std::int64_t i = 0; i < n; ++i) w[i] = a[i];
}
__attribute__((noinline)) void stream_2_1(std::int64_t n, float* __restrict w,
                                          const float* __restrict a, const float* __restrict b) {
  BENCH_PARALLEL
  for (std::int64_t i = 0; i < n; ++i) w[i] = a[i] + b[i];
}
__attribute__((noinline)) float stream_1_0(std::int64_t n, const float* __restrict a) {
  float sum = 0;
#pragma omp parallel for simd schedule(static) reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += a[i];
  return sum;
}

/// A case that must read `reads` arrays of n * part elements and write `writes` of them.
bool add_stream(const std::string& what, int reads, int writes, double part = 1) {
  return add_runner(limit_side, what, [=](const Case& c) -> Step {
    if (c.size < fewest) return {};
    const auto n = static_cast<std::int64_t>(part * static_cast<double>(c.size));
    const Buffer w = buffer(n), a = buffer(n), b = buffer(n);
    const auto sink = std::make_shared<float>();
    // One loop of two reads and a write, and so on, until all are done.
    return repeat(dnn_threads(c.threads), [=] {
      int to_read = reads, to_write = writes;
      while (to_read > 0 || to_write > 0) {
        if (to_write == 0) {
          *sink = *sink + stream_1_0(n, a.get());
          to_read -= 1;
        } else if (to_read > to_write) {
          stream_2_1(n, w.get(), a.get(), b.get());
          to_read -= 2;
          to_write -= 1;
        } else {
          stream_1_1(n, w.get(), a.get());
          to_read -= 1;
          to_write -= 1;
        }
      }
    });
  });
}

const bool streams =
    add_stream("add", 2, 1) && add_stream("mul", 2, 1) && add_stream("exp", 1, 1) &&
    add_stream("tanh", 1, 1) && add_stream("relu", 1, 1) && add_stream("gelu", 1, 1) &&
    add_stream("sigmoid", 1, 1) && add_stream("chain8", 2, 1) &&
    // Forward reads a, b, c and writes y; backward reads dy, y, a, b and writes the gradients.
    add_stream("tanh(ab+c)_backward", 7, 4) && add_stream("add_row", 1, 1) &&
    add_stream("add_column", 1, 1) && add_stream("sum", 1, 0) && add_stream("sum_rows", 1, 0) &&
    add_stream("sum_columns", 1, 0) && add_stream("max", 1, 0) && add_stream("argmax", 1, 0) &&
    add_stream("softmax", 1, 1) &&
    // Forward reads x and writes y; backward reads dy and y (x) and writes dx.
    add_stream("softmax_backward", 3, 2) && add_stream("layer_norm_backward", 3, 2) &&
    add_stream("transpose", 1, 1) && add_stream("slice_rows", 1, 1, 0.5) &&
    // Every second element shares its cache line with one that is not wanted.
    add_runner(limit_side, "slice_columns", [](const Case& c) -> Step {
      if (c.size < fewest) return {};
      const Buffer w = buffer(c.size / 2), a = buffer(c.size);
      const auto sink = std::make_shared<float>();
      return repeat(dnn_threads(c.threads), [=] {
        stream_1_1(c.size / 2, w.get(), a.get());
        *sink = *sink + stream_1_0(c.size / 2, a.get() + c.size / 2);
      });
    });

}  // namespace
}  // namespace bench
