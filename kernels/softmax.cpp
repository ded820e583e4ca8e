#include "reel/kernels/softmax.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

#include "reel/base/threads.h"
#include "reel/kernels/parallel.h"
#include "reel/kernels/softmax_table.h"

namespace reel::kernels {
namespace {

/// A dense array seen as `[outer, n, inner]`, `n` the dimension that softmax runs along.
struct SoftmaxLayout {
  Size outer;
  Size n;
  Size inner;
};

SoftmaxLayout layout_of(const ConstArray& x, Size dim) {
  const Size n = x.dim() == 0 ? 1 : x.size(dim), numel = x.numel();
  if (numel == 0) return {0, n, 1};
  const Size inner = n == 1 ? 1 : x.strides()[dim];
  return {numel / (n * inner), n, inner};
}

int index_of(DType dtype) { return dtype == float64 ? 1 : 0; }

Size rows_per_thread(Size row_length) {
  // An exponential costs about as much as ten additions.
  return std::max<Size>(1, parallel_grain / 4 / std::max<Size>(row_length, 1));
}

// Rows longer than this are worked on in pieces of it: threads share them, and the maximum of a
// piece, then its exponentials find it in the cache. The pieces do not depend on the threads.
constexpr Size piece_size = 1 << 15;

bool is_long_row(const SoftmaxLayout& layout) {
  return layout.inner == 1 && layout.n >= 2 * piece_size;
}

/// Calls `f(piece, first, count)` for each piece of `n` neighbours, on several threads.
template <class F>
void for_pieces(Size n, const F& f) {
  parallel_for((n + piece_size - 1) / piece_size, 1, [&](Size begin, Size end) {
    for (Size piece = begin; piece < end; ++piece) {
      const Size first = piece * piece_size;
      f(piece, first, std::min(piece_size, n - first));
    }
  });
}

struct MaxAndSum {
  double max;
  double sum;  // of e^(x - max)
};

/// The maximum of a long row and its sum of e^(x - max).
MaxAndSum max_and_sum(DType dtype, const std::byte* x, Size n) {
  const Size item = item_size(dtype);
  std::vector<MaxAndSum> pieces(static_cast<std::size_t>((n + piece_size - 1) / piece_size));
  for_pieces(n, [&](Size piece, Size first, Size count) {
    MaxAndSum& found = pieces[static_cast<std::size_t>(piece)];
    found.sum = softmax_table().piece_sum[index_of(dtype)](x + first * item, count, found.max);
  });
  MaxAndSum row{-std::numeric_limits<double>::infinity(), 0};
  for (const MaxAndSum& piece : pieces) {
    if (!(piece.max <= row.max)) row.max = piece.max;  // a NaN stays
    if (std::isnan(row.max)) break;
  }
  for (const MaxAndSum& piece : pieces) {
    // A piece of nothing but -inf has a sum of NaN, unless the whole row is one.
    const bool empty = std::isinf(piece.max) && piece.max < row.max;
    if (!empty) row.sum += piece.sum * std::exp(piece.max - row.max);
  }
  return row;
}

/// Calls `rows(first, count)` for ranges of the outer dimension when the middle is innermost, and
/// otherwise `columns(offset, count)` for strips of neighbouring columns.
template <class Rows, class Columns>
void for_strips(const SoftmaxLayout& layout, const Rows& rows, const Columns& columns) {
  const Size outer = layout.outer, n = layout.n, inner = layout.inner;  // captured below
  if (outer * n * inner == 0) return;
  if (inner == 1) {
    parallel_for(outer, rows_per_thread(n),
                 [&](Size begin, Size end) { rows(begin, end - begin); });
    return;
  }
  // Wide strips read memory best, as long as the second-level cache holds them until they are read
  // again; each column is computed alike in any strip, so they may follow the threads.
  constexpr Size cached_elements = 1 << 17;
  const Size threads = get_num_threads();
  const Size share = outer < threads ? (inner / threads + 63) / 64 * 64 : inner;
  const Size cached = cached_elements / n / 64 * 64;
  const Size strip = std::clamp<Size>(std::min(share, cached), 64, softmax_columns);
  const Size strips = (inner + strip - 1) / strip;
  parallel_for(outer * strips, rows_per_thread(n * std::min(inner, strip)),
               [&](Size begin, Size end) {
                 for (Size i = begin; i < end; ++i) {
                   const Size first = i % strips * strip;
                   columns(i / strips * n * inner + first, std::min(strip, inner - first));
                 }
               });
}

double weight_of(const CrossEntropy& problem, Size c) {
  const ConstArray& weight = problem.weight;
  if (!weight) return 1;
  return weight.dtype() == float64 ? weight.as<double>()[c]
                                   : static_cast<double>(weight.as<float>()[c]);
}

double total_weight(const CrossEntropy& problem) {
  if (!problem.weight) return static_cast<double>(problem.classes());
  double total = 0;
  for (Size c = 0; c < problem.classes(); ++c) total += weight_of(problem, c);
  return total;
}

}  // namespace

void softmax(const ConstArray& x, Size dim, bool log, const Array& y) {
  const SoftmaxTable& table = softmax_table();
  const SoftmaxLayout layout = layout_of(x, dim);
  const int type = index_of(x.dtype());
  const Size item = x.item();
  const std::byte* from = x.bytes();
  std::byte* to = y.bytes();
  if (is_long_row(layout)) {
    for (Size row = 0; row < layout.outer; ++row) {
      const Size at = row * layout.n * item;
      const auto [max, sum] = max_and_sum(x.dtype(), from + at, layout.n);
      for_pieces(layout.n, [&, max = max, sum = sum](Size, Size first, Size count) {
        const Size piece = at + first * item;
        table.piece_finish[type](from + piece, count, max, sum, log, to + piece);
      });
    }
    return;
  }
  for_strips(
      layout,
      [&](Size first, Size count) {
        const Size at = first * layout.n * item;
        table.rows[type](from + at, count, layout.n, log, to + at);
      },
      [&](Size offset, Size count) {
        table.columns[type](from + offset * item, layout.n, layout.inner, count, log,
                            to + offset * item);
      });
}

void softmax_backward(const ConstArray& y, const ConstArray& dy, Size dim, bool log,
                      const Array& dx) {
  const SoftmaxTable& table = softmax_table();
  const SoftmaxLayout layout = layout_of(y, dim);
  const int type = index_of(y.dtype());
  const Size item = y.item();
  const std::byte *result = y.bytes(), *gradient = dy.bytes();
  std::byte* to = dx.bytes();
  if (is_long_row(layout)) {
    std::vector<double> sums(static_cast<std::size_t>((layout.n + piece_size - 1) / piece_size));
    for (Size row = 0; row < layout.outer; ++row) {
      const Size start = row * layout.n * item;
      for_pieces(layout.n, [&](Size piece, Size first, Size count) {
        const Size at = start + first * item;
        sums[static_cast<std::size_t>(piece)] =
            table.piece_backward_sum[type](result + at, gradient + at, count, log);
      });
      const double sum = std::accumulate(sums.begin(), sums.end(), 0.0);
      for_pieces(layout.n, [&](Size, Size first, Size count) {
        const Size at = start + first * item;
        table.piece_backward[type](result + at, gradient + at, count, sum, log, to + at);
      });
    }
    return;
  }
  for_strips(
      layout,
      [&](Size first, Size count) {
        const Size at = first * layout.n * item;
        table.rows_backward[type](result + at, gradient + at, count, layout.n, log, to + at);
      },
      [&](Size offset, Size count) {
        const Size at = offset * item;
        table.columns_backward[type](result + at, gradient + at, layout.n, layout.inner, count, log,
                                     to + at);
      });
}

Size find_wrong_class(const ConstArray& targets, Size classes, Size ignore_index) {
  const Size* target = targets.as<Size>();
  const Size n = targets.numel();
  for (Size i = 0; i < n; ++i) {
    if ((target[i] < 0 || target[i] >= classes) && target[i] != ignore_index) return i;
  }
  return -1;
}

void cross_entropy(const CrossEntropy& problem, const Array& losses, const Array& logsumexp) {
  const Size n = problem.classes();
  const Size* targets = problem.targets.as<Size>();
  const double smoothing = problem.label_smoothing;
  const double share = smoothing / static_cast<double>(std::max<Size>(n, 1));
  const double weights = smoothing != 0 ? total_weight(problem) : 0;
  with_floating(problem.x.dtype(), [&]<class T>(T) {
    const T* x = problem.x.as<T>();
    T* lse = logsumexp.as<T>();
    parallel_for(problem.rows(), rows_per_thread(n), [&](Size begin, Size end) {
      softmax_table().logsumexp[index_of(problem.x.dtype())](x + begin * n, end - begin, n,
                                                             lse + begin);
      for (Size i = begin; i < end; ++i) {
        const Size t = targets[i];
        double loss = 0;
        if (t != problem.ignore_index) {
          const double l = static_cast<double>(lse[i]);
          loss = (1 - smoothing) * weight_of(problem, t) * (l - static_cast<double>(x[i * n + t]));
          if (smoothing != 0) {
            double weighted = 0;
            for (Size c = 0; c < n; ++c) {
              weighted += weight_of(problem, c) * static_cast<double>(x[i * n + c]);
            }
            loss += share * (weights * l - weighted);
          }
        }
        losses.as<T>()[i] = static_cast<T>(loss);
      }
    });
  });
}

double cross_entropy_weight(const CrossEntropy& problem) {
  const Size* targets = problem.targets.as<Size>();
  const Size rows = problem.rows();
  double total = 0;
  for (Size i = 0; i < rows; ++i) {
    if (targets[i] != problem.ignore_index) total += weight_of(problem, targets[i]);
  }
  return total;
}

void cross_entropy_backward(const CrossEntropy& problem, const ConstArray& logsumexp,
                            const ConstArray& dy, double scale, const Array& dx) {
  const Size n = problem.classes();
  const Size* targets = problem.targets.as<Size>();
  const bool dy_per_row = dy.dim() == 1;
  const double smoothing = problem.label_smoothing;
  const double share = smoothing / static_cast<double>(std::max<Size>(n, 1));
  const double weights = smoothing != 0 ? total_weight(problem) : 0;
  with_floating(problem.x.dtype(), [&]<class T>(T) {
    const T* lse = logsumexp.as<T>();
    const T* gradient = dy.as<T>();
    const auto dy_of = [&](Size i) {
      if (targets[i] == problem.ignore_index) return 0.0;
      return scale * static_cast<double>(gradient[dy_per_row ? i : 0]);
    };
    parallel_for(problem.rows(), rows_per_thread(n), [&](Size begin, Size end) {
      constexpr Size chunk = 256;
      T factor[chunk];
      for (Size first = begin; first < end; first += chunk) {
        const Size count = std::min(chunk, end - first);
        for (Size k = 0; k < count; ++k) {
          const double g = dy_of(first + k);
          const double target_weight =
              g == 0 ? 0 : (1 - smoothing) * weight_of(problem, targets[first + k]);
          factor[k] = static_cast<T>(g * (target_weight + share * weights));
        }
        T* rows = dx.as<T>() + first * n;
        softmax_table().shifted_exp[index_of(problem.x.dtype())](
            problem.x.as<T>() + first * n, lse + first, factor, count, n, rows);
        for (Size k = 0; k < count; ++k) {
          T* row = rows + k * n;
          const Size t = targets[first + k];
          const double g = dy_of(first + k);
          if (t == problem.ignore_index) {
            // Also where the row held an infinity, which a factor of 0 would turn into NaN.
            std::fill_n(row, n, T(0));
            continue;
          }
          if (smoothing != 0) {
            for (Size c = 0; c < n; ++c)
              row[c] -= static_cast<T>(g * share * weight_of(problem, c));
          }
          row[t] -= static_cast<T>(g * (1 - smoothing) * weight_of(problem, t));
        }
      }
    });
  });
}

}  // namespace reel::kernels
