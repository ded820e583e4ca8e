#include "reel/autograd/kernels/gemm.h"

#include <cblas.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "reel/autograd/fail.h"
#include "reel/autograd/kernels/dnn.h"
#include "reel/autograd/kernels/dot_gemm.h"
#include "reel/autograd/kernels/gemv.h"
#include "reel/autograd/kernels/loops.h"
#include "reel/autograd/kernels/parallel.h"
#include "reel/autograd/kernels/pointwise.h"
#include "reel/autograd/kernels/thread_scope.h"

namespace reel::kernels {
namespace {

// Up to this many multiply-adds a plain loop is faster than finding and starting a primitive.
constexpr Size tiny_work = 256;
// Matrix-vector products give each thread at least this many elements of the matrix.
constexpr Size gemv_grain = Size{1} << 17;
// Products of rows with rows, as a linear layer's: up to so many rows, the operands are read as
// they lie; with short rows the sums over the registers' lanes cost more. Each thread is given at
// least this many multiply-adds.
constexpr Size dot_rows = 32, dot_rows_if_short = 16, short_row = 256;
constexpr Size dot_grain = Size{1} << 19;
// Where oneDNN lets the number of threads into a sum: seen from 2048 on, never above 64 columns. It
// gains nothing by it.
constexpr Size few_columns = 64, long_column = 1024;
// Rows are given to a thread in panels of about this many multiply-adds.
constexpr Size panel_work = Size{1} << 24;
// Products of a batch with at least this many multiply-adds are split one by one, not side by side.
constexpr Size large_work = Size{1} << 22;

/// A matrix as BLAS describes it.
struct Operand {
  bool readable;
  bool transposed;
  Size ld;
};

Operand classify(Size rows, Size cols, Size row, Size col) {
  if (cols <= 1) col = 1;
  if (rows <= 1) row = col == 1 ? cols : 1;
  if (col == 1 && row >= std::max<Size>(cols, 1)) return {true, false, row};
  if (row == 1 && col >= std::max<Size>(rows, 1)) return {true, true, col};
  return {false, false, 0};
}

template <class T>
void prepare(Size m, Size n, const T* bias, T* c) {
  for (Size i = 0; i < m; ++i) {
    if (bias != nullptr) {
      std::copy_n(bias, n, c + i * n);
    } else {
      std::fill_n(c + i * n, n, T{});
    }
  }
}

/// Calls `product(begin, end)` for panels of rows. Left to themselves, the libraries would divide
/// the sums over k by the number of threads; these panels depend on the shape only.
template <class F>
void in_panels(Size m, Size row_work, const F& product) {
  const Size rows = std::max<Size>(16, panel_work / std::max<Size>(1, row_work));
  parallel_for((m + rows - 1) / rows, 1, [&](Size begin, Size end) {
    for (Size panel = begin; panel < end; ++panel) {
      product(panel * rows, std::min(m, (panel + 1) * rows));
    }
  });
}

template <class T>
void plain_gemm(Size m, Size n, Size k, const Matrix& a, const Matrix& b, T* c,
                const GemmOptions& options) {
  const auto* pa = static_cast<const T*>(a.data);
  const auto* pb = static_cast<const T*>(b.data);
  if (!options.accumulate) prepare(m, n, static_cast<const T*>(options.bias), c);
  parallel_for(m, std::max<Size>(1, parallel_grain * 8 / std::max<Size>(1, n * k)),
               [&](Size begin, Size end) {
                 for (Size i = begin; i < end; ++i) {
                   T* row = c + i * n;
                   for (Size p = 0; p < k; ++p) {
                     const T aip = pa[i * a.row + p * a.col];
                     const T* bp = pb + p * b.row;
                     // Integers wrap: the detour over T keeps small types from being promoted for
                     // good.
                     for (Size j = 0; j < n; ++j)
                       row[j] = static_cast<T>(row[j] + aip * bp[j * b.col]);
                   }
                 }
               });
}

void gemv(Size count, Size k, const Matrix& matrix, bool along_rows, Size ld, const float* x,
          const float* bias, float* y) {
  const auto* a = static_cast<const float*>(matrix.data);
  // Ranges of whole vectors: a sum outside of them is rounded in another way.
  constexpr Size block = 16;
  auto blocks = [&](Size first, Size last) {
    const Size begin = first * block, end = std::min(count, last * block);
    if (along_rows) {
      gemv_table().rows(begin, end, k, a, ld, x, bias, y);
    } else {
      gemv_table().columns(k, begin, end, a, ld, x, bias, y);
    }
  };
  parallel_for((count + block - 1) / block, std::max<Size>(1, gemv_grain / (k * block)), blocks);
}

/// Products of which one side is a vector; false if this is none of them.
bool try_gemv(Size m, Size n, Size k, const Matrix& a, const Operand& ta, const Matrix& b,
              const Operand& tb, float* c, const GemmOptions& options) {
  if (options.accumulate || k < 2) return false;
  const auto* bias = static_cast<const float*>(options.bias);
  if (m == 1 && (k == 1 || a.col == 1)) {
    gemv(n, k, b, tb.transposed, tb.ld, static_cast<const float*>(a.data), bias, c);
  } else if (n == 1 && b.row == 1 && bias == nullptr) {
    gemv(m, k, a, !ta.transposed, ta.ld, static_cast<const float*>(b.data), nullptr, c);
  } else {
    return false;
  }
  return true;
}

/// Products of few rows with rows; false if this is none of them.
bool try_dots(Size m, Size n, Size k, const Operand& ta, const Operand& tb, const float* a,
              const float* b, float* c, const GemmOptions& options, bool single_thread) {
  if (options.accumulate || ta.transposed || !tb.transposed || k < 32) return false;
  if (m > (k < short_row ? dot_rows_if_short : dot_rows)) return false;
  auto columns = [&](Size begin, Size end) {
    dot_gemm_table().run(m, begin, end, k, a, ta.ld, b, tb.ld,
                         static_cast<const float*>(options.bias), c, n);
  };
  if (single_thread) {
    columns(0, n);
  } else {
    parallel_for(n, std::max<Size>(16, dot_grain / (m * k)), columns);
  }
  return true;
}

void gemm_float(Size m, Size n, Size k, const Matrix& a, const Matrix& b, float* c,
                const GemmOptions& options, bool single_thread) {
  const Operand ta = classify(m, k, a.row, a.col), tb = classify(k, n, b.row, b.col);
  if (try_gemv(m, n, k, a, ta, b, tb, c, options)) return;
  const auto* pa = static_cast<const float*>(a.data);
  const auto* pb = static_cast<const float*>(b.data);
  const auto* bias = static_cast<const float*>(options.bias);
  if (try_dots(m, n, k, ta, tb, pa, pb, c, options, single_thread)) return;
  // Products of columns with a few columns are what oneDNN divides the sums over k of.
  const bool keeps_sums = !ta.transposed || n > few_columns || k < long_column;
  if (keeps_sums && ta.ld == (ta.transposed ? m : k) && tb.ld == (tb.transposed ? k : n)) {
    dnn_matmul({.m = m,
                .n = n,
                .k = k,
                .a_row = ta.transposed ? 1 : ta.ld,
                .a_col = ta.transposed ? ta.ld : 1,
                .b_row = tb.transposed ? 1 : tb.ld,
                .b_col = tb.transposed ? tb.ld : 1,
                .bias = bias != nullptr,
                .accumulate = options.accumulate,
                .single_thread = single_thread},
               pa, pb, bias, c);
    return;
  }
  if (bias != nullptr) prepare(m, n, bias, c);
  const float beta = bias != nullptr || options.accumulate ? 1.f : 0.f;
  in_panels(m, n * k, [&](Size begin, Size end) {
    dnn_sgemm(ta.transposed, tb.transposed, end - begin, n, k, pa + begin * a.row, ta.ld, pb, tb.ld,
              beta, c + begin * n, n);
  });
}

void gemm_double(Size m, Size n, Size k, const Matrix& a, const Matrix& b, double* c,
                 const GemmOptions& options) {
  const Operand ta = classify(m, k, a.row, a.col), tb = classify(k, n, b.row, b.col);
  if (options.bias != nullptr) prepare(m, n, static_cast<const double*>(options.bias), c);
  const double beta = options.bias != nullptr || options.accumulate ? 1. : 0.;
  const auto* pa = static_cast<const double*>(a.data);
  const auto* pb = static_cast<const double*>(b.data);
  auto blas = [](Size value) { return static_cast<blasint>(value); };
  in_panels(m, n * k, [&](Size begin, Size end) {
    const ThreadScope scope(1);
    cblas_dgemm(CblasRowMajor, ta.transposed ? CblasTrans : CblasNoTrans,
                tb.transposed ? CblasTrans : CblasNoTrans, blas(end - begin), blas(n), blas(k), 1.,
                pa + begin * a.row, blas(ta.ld), pb, blas(tb.ld), beta, c + begin * n, blas(n));
  });
}

void gemm_any(DType dtype, Size m, Size n, Size k, const Matrix& a, const Matrix& b, void* c,
              const GemmOptions& options, bool single_thread) {
  if (m == 0 || n == 0) return;
  const bool tiny = k == 0 || m * n * k <= tiny_work;
  if (dtype == DType::float32 && !tiny) {
    gemm_float(m, n, k, a, b, static_cast<float*>(c), options, single_thread);
  } else if (dtype == DType::float64 && !tiny) {
    gemm_double(m, n, k, a, b, static_cast<double*>(c), options);
  } else {
    with_dtype(dtype, [&](auto zero) {
      using T = decltype(zero);
      if constexpr (std::is_same_v<T, bool>) {
        fail("matmul", "expected a dtype of numbers, got bool");
      } else {
        plain_gemm(m, n, k, a, b, static_cast<T*>(c), options);
      }
    });
  }
  if (options.relu) {
    // Not as part of oneDNN's product: its ReLU turns NaN into 0.
    const Size bytes = item_size(dtype);
    run_flat(find(Unary::relu, dtype), m * n, {{c, bytes, {}}, {c, bytes, {}}});
  }
}

Matrix advance(const Matrix& matrix, Size elements, Size bytes_each) {
  Matrix result = matrix;
  result.data = static_cast<const std::byte*>(matrix.data) + elements * bytes_each;
  return result;
}

}  // namespace

bool gemm_reads(Size rows, Size cols, Size row, Size col) {
  return classify(rows, cols, row, col).readable;
}

void gemm(DType dtype, Size m, Size n, Size k, const Matrix& a, const Matrix& b, void* c,
          const GemmOptions& options) {
  gemm_any(dtype, m, n, k, a, b, c, options, false);
}

void batched_gemm(DType dtype, const Shape& batch, Size m, Size n, Size k, const Matrix& a,
                  const Strides& a_batch, const Matrix& b, const Strides& b_batch, void* c) {
  const Size count = batch.numel(), bytes = item_size(dtype);
  if (count == 0) return;
  const bool side_by_side = count > 1 && m * n * k < large_work;
  auto product = [&](Size index) {
    Size a_offset = 0, b_offset = 0, rest = index;
    for (Size d = batch.size() - 1; d >= 0; --d) {
      const Size at = rest % batch[d];
      rest /= batch[d];
      a_offset += at * a_batch[d];
      b_offset += at * b_batch[d];
    }
    gemm_any(dtype, m, n, k, advance(a, a_offset, bytes), advance(b, b_offset, bytes),
             static_cast<std::byte*>(c) + index * m * n * bytes, {}, side_by_side);
  };
  if (!side_by_side) {
    for (Size i = 0; i < count; ++i) product(i);
    return;
  }
  const Size grain = std::max<Size>(1, (Size{1} << 19) / std::max<Size>(1, m * n * k));
  parallel_for(count, grain, [&](Size begin, Size end) {
    for (Size i = begin; i < end; ++i) product(i);
  });
}

}  // namespace reel::kernels
