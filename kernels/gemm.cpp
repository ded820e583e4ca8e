#include "reel/kernels/gemm.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "reel/base/fail.h"
#include "reel/kernels/buffer.h"
#include "reel/kernels/dnn.h"
#include "reel/kernels/dot_gemm.h"
#include "reel/kernels/gemv.h"
#include "reel/kernels/parallel.h"
#include "reel/kernels/thread_scope.h"

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
// Products are cut in two from so many multiply-adds on, ...
constexpr Size serial_work = Size{1} << 20;
// ... into more as the cube root of them grows (in four from 2^25), up to eight, and into more than
// those by the size of the result. Each piece packs what it reads of both operands, for itself.
constexpr double piece_work = 1 << 19;
constexpr Size most_small_pieces = 8, large_result = Size{1} << 19;
// Smaller pieces are slower: rows, where they are rows of the operand too, and columns.
constexpr Size least_rows = 128, least_transposed_rows = 64, least_columns = 64;
// oneDNN reads the operands of products up to about this size as they lie (1 / rows + 1 / columns
// at least so much), others it packs. Where it goes from row to row of them and these are a
// multiple of 2 KiB apart, they push each other out of the cache: two to three times slower than
// from a copy.
constexpr double packed_size = 0.0035;
constexpr Size bad_ld = 512, worth_copy = 64, gap = 16;
// Products of a batch with at least this many multiply-adds are split one by one, not side by side.
constexpr Size large_work = Size{1} << 22;

/// A matrix in memory: element (i, j) is `data[i * row + j * col]`, strides in elements.
struct Matrix {
  const void* data = nullptr;
  Size row = 0;
  Size col = 0;
};

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

/// How a product is cut: into `rows` times `columns` pieces.
struct Grid {
  Size rows = 1, columns = 1;

  double inverse_sizes(Size m, Size n) const {
    return static_cast<double>(rows) / static_cast<double>(m) +
           static_cast<double>(columns) / static_cast<double>(n);
  }
};

Grid grid_for(Size m, Size n, Size k, bool transposed) {
  const Size work = m * n * k;
  if (work < serial_work) return {};
  const auto growing = static_cast<Size>(std::cbrt(static_cast<double>(work) / piece_work));
  const Size wanted =
      std::max(std::clamp<Size>(growing, 2, most_small_pieces), m * n / large_result);
  const Size least_m = transposed ? least_transposed_rows : least_rows;
  Grid grid;
  while (grid.rows * grid.columns * 2 <= wanted) {
    const Size height = m / grid.rows, width = n / grid.columns;
    const bool may_rows = height >= 2 * least_m, may_columns = width >= 2 * least_columns;
    if (may_rows && (!may_columns || 4 * height > width)) {
      grid.rows *= 2;
    } else if (may_columns) {
      grid.columns *= 2;
    } else {
      break;
    }
  }
  return grid;
}

/// Calls `product(row, rows, column, columns)` for the pieces of a product [m, n]. Left to
/// themselves, the libraries would let the number of threads into the sums over k; the pieces
/// depend on the shape only, and each runs on one thread.
template <class F>
void in_pieces(const Grid& grid, Size m, Size n, const F& product) {
  parallel_for(grid.rows * grid.columns, 1, [&](Size begin, Size end) {
    for (Size i = begin; i < end; ++i) {
      const Size r = i / grid.columns, c = i % grid.columns;
      const Size row = r * m / grid.rows, column = c * n / grid.columns;
      product(row, (r + 1) * m / grid.rows - row, column, (c + 1) * n / grid.columns - column);
    }
  });
}

template <class T>
void plain_gemm(Size m, Size n, Size k, const Matrix& a, const Matrix& b, T* c,
                const GemmOptions& options) {
  const auto* pa = static_cast<const T*>(a.data);
  const auto* pb = static_cast<const T*>(b.data);
  if (!options.accumulate) prepare(m, n, options.bias.as<T>(), c);
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
  const auto* bias = options.bias.as<float>();
  if (m == 1 && (k == 1 || a.col == 1)) {
    gemv(n, k, b, tb.transposed, tb.ld, static_cast<const float*>(a.data), bias, c);
  } else if (n == 1 && b.row == 1 && bias == nullptr) {
    gemv(m, k, a, !ta.transposed, ta.ld, static_cast<const float*>(b.data), nullptr, c);
  } else {
    return false;
  }
  return true;
}

/// A matrix whose rows are the terms of a product's sums.
class Terms {
 public:
  Terms(const float* data, Size ld) : data_(data), ld_(ld) {}

  /// To a copy with other distances between its rows.
  void respace(Size rows, Size columns) {
    const Size ld = columns + (columns % bad_ld == 0 ? gap : 0);
    copy_ = Buffer(static_cast<std::size_t>(rows * ld) * sizeof(float));
    auto* to = copy_.data();
    parallel_for(rows, std::max<Size>(1, parallel_grain / columns), [&](Size begin, Size end) {
      for (Size i = begin; i < end; ++i) std::copy_n(data_ + i * ld_, columns, to + i * ld);
    });
    data_ = to;
    ld_ = ld;
  }
  const float* data() const { return data_; }
  Size ld() const { return ld_; }

 private:
  const float* data_;
  Size ld_;
  Buffer copy_;
};

/// Products of few rows with rows; false if this is none of them.
bool try_dots(Size m, Size n, Size k, const Operand& ta, const Operand& tb, const float* a,
              const float* b, float* c, const GemmOptions& options) {
  if (options.accumulate || ta.transposed || !tb.transposed || k < 32) return false;
  if (m > (k < short_row ? dot_rows_if_short : dot_rows)) return false;
  parallel_for(n, std::max<Size>(16, dot_grain / (m * k)), [&](Size begin, Size end) {
    dot_gemm_table().run(m, begin, end, k, a, ta.ld, b, tb.ld, options.bias.as<float>(), c, n);
  });
  return true;
}

void gemm_float(Size m, Size n, Size k, const Matrix& a, const Matrix& b, float* c,
                const GemmOptions& options) {
  const Operand ta = classify(m, k, a.row, a.col), tb = classify(k, n, b.row, b.col);
  if (try_gemv(m, n, k, a, ta, b, tb, c, options)) return;
  const auto* pa = static_cast<const float*>(a.data);
  const auto* pb = static_cast<const float*>(b.data);
  const auto* bias = options.bias.as<float>();
  if (try_dots(m, n, k, ta, tb, pa, pb, c, options)) return;
  const Grid grid = grid_for(m, n, k, ta.transposed);
  Terms of_a(pa, ta.ld), of_b(pb, tb.ld);
  if (grid.inverse_sizes(m, n) >= packed_size) {
    if (ta.transposed && ta.ld % bad_ld == 0 && n >= worth_copy) of_a.respace(k, m);
    if (!tb.transposed && tb.ld % bad_ld == 0 && m >= worth_copy) of_b.respace(k, n);
  }
  const Size a_row = ta.transposed ? 1 : of_a.ld(), a_col = ta.transposed ? of_a.ld() : 1;
  const Size b_row = tb.transposed ? 1 : of_b.ld(), b_col = tb.transposed ? of_b.ld() : 1;
  in_pieces(grid, m, n, [&](Size row, Size rows, Size column, Size columns) {
    dnn_matmul({.m = rows,
                .n = columns,
                .k = k,
                .a_row = a_row,
                .a_col = a_col,
                .b_row = b_row,
                .b_col = b_col,
                .c_row = n,
                .bias = bias != nullptr,
                .accumulate = options.accumulate},
               of_a.data() + row * a_row, of_b.data() + column * b_col,
               bias == nullptr ? nullptr : bias + column, c + row * n + column);
  });
}

void gemm_double(Size m, Size n, Size k, const Matrix& a, const Matrix& b, double* c,
                 const GemmOptions& options) {
  const Operand ta = classify(m, k, a.row, a.col), tb = classify(k, n, b.row, b.col);
  if (options.bias) prepare(m, n, options.bias.as<double>(), c);
  const double beta = options.bias || options.accumulate ? 1. : 0.;
  const auto* pa = static_cast<const double*>(a.data);
  const auto* pb = static_cast<const double*>(b.data);
  const Size a_row = ta.transposed ? 1 : ta.ld, b_col = tb.transposed ? tb.ld : 1;
  auto blas = [](Size value) { return static_cast<blasint>(value); };
  in_pieces(grid_for(m, n, k, ta.transposed), m, n,
            [&](Size row, Size rows, Size column, Size columns) {
              const SingleThreadScope scope;
              cblas_dgemm(CblasRowMajor, ta.transposed ? CblasTrans : CblasNoTrans,
                          tb.transposed ? CblasTrans : CblasNoTrans, blas(rows), blas(columns),
                          blas(k), 1., pa + row * a_row, blas(ta.ld), pb + column * b_col,
                          blas(tb.ld), beta, c + row * n + column, blas(n));
            });
}

void gemm_any(DType dtype, Size m, Size n, Size k, const Matrix& a, const Matrix& b, void* c,
              const GemmOptions& options) {
  if (m == 0 || n == 0) return;
  const bool tiny = k == 0 || m * n * k <= tiny_work;
  if (dtype == DType::float32 && !tiny) {
    gemm_float(m, n, k, a, b, static_cast<float*>(c), options);
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
}

Matrix matrix_of(const ConstArray& x) {
  const Size d = x.dim();
  return {x.data(), x.strides()[d - 2], x.strides()[d - 1]};
}

Matrix advance(const Matrix& matrix, Size elements, Size bytes_each) {
  Matrix result = matrix;
  result.data = static_cast<const std::byte*>(matrix.data) + elements * bytes_each;
  return result;
}

/// How far the matrix at `index` of the dimensions of `batch` is from the first one of `x`, whose
/// own are broadcast to them.
Size batch_offset(const ConstArray& x, const Shape& batch, Size index) {
  const Size missing = batch.size() - (x.dim() - 2);
  Size offset = 0;
  for (Size d = batch.size() - 1; d >= missing; --d) {
    const Size at = index % batch[d];
    index /= batch[d];
    if (x.shape()[d - missing] != 1) offset += at * x.strides()[d - missing];
  }
  return offset;
}

/// One product for every index of the dimensions before the matrices.
void batched_gemm(const ConstArray& a, const ConstArray& b, const Array& c, Size k) {
  const Shape batch(c.shape().begin(), c.shape().end() - 2);
  const Size m = c.size(-2), n = c.size(-1), count = batch.numel(), bytes = c.item();
  if (count == 0) return;
  const Matrix of_a = matrix_of(a), of_b = matrix_of(b);
  const bool side_by_side = count > 1 && m * n * k < large_work;
  auto product = [&](Size index) {
    gemm_any(c.dtype(), m, n, k, advance(of_a, batch_offset(a, batch, index), bytes),
             advance(of_b, batch_offset(b, batch, index), bytes), c.bytes() + index * m * n * bytes,
             {});
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

}  // namespace

bool gemm_reads(const ConstArray& x) {
  const Size d = x.dim();
  return classify(x.size(d - 2), x.size(d - 1), x.strides()[d - 2], x.strides()[d - 1]).readable;
}

void gemm(const ConstArray& a, const ConstArray& b, const Array& c, const GemmOptions& options) {
  const Size n = c.size(c.dim() - 1), k = a.size(a.dim() - 1);
  Matrix of_b = matrix_of(b);
  if (options.b_transposed) std::swap(of_b.row, of_b.col);
  if (a.dim() == 2 && b.dim() == 2) {
    gemm_any(c.dtype(), a.size(0), n, k, matrix_of(a), of_b, c.data(), options);
  } else if (b.dim() == 2 && a.is_contiguous()) {  // one matrix with more rows
    const Size rows = n == 0 ? 0 : c.numel() / n;
    gemm_any(c.dtype(), rows, n, k, {a.data(), k, 1}, of_b, c.data(), options);
  } else {
    batched_gemm(a, b, c, k);
  }
}

}  // namespace reel::kernels
