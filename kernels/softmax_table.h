#pragma once

// Internal: what simd/softmax.cpp offers to softmax.cpp for each instruction set. All arrays are
// contiguous; the index [0] of a table stands for float32, [1] for float64.

#include "reel/base/dtype.h"
#include "reel/kernels/dispatch.h"

namespace reel::kernels {

struct SoftmaxTable {
  /// Of each of `rows` rows of `n` neighbours.
  using Rows = void (*)(const void* x, Size rows, Size n, bool log, void* y);
  /// Down each of `columns` columns of `n` rows, `stride` elements apart.
  using Columns = void (*)(const void* x, Size n, Size stride, Size columns, bool log, void* y);
  using RowsBackward = void (*)(const void* y, const void* dy, Size rows, Size n, bool log,
                                void* dx);
  using ColumnsBackward = void (*)(const void* y, const void* dy, Size n, Size stride, Size columns,
                                   bool log, void* dx);
  /// log(sum(e^x)) of each row.
  using LogSumExp = void (*)(const void* x, Size rows, Size n, void* y);
  /// y = scale e^(x - shift), with a scale and a shift per row.
  using ShiftedExp = void (*)(const void* x, const void* shift, const void* scale, Size rows,
                              Size n, void* y);

  /// Of a piece of a long row: its maximum, and the sum of e^(x - max), which is returned.
  using PieceSum = double (*)(const void* x, Size n, double& max);
  /// The softmax of a piece from the maximum and the sum of the whole row.
  using PieceFinish = void (*)(const void* x, Size n, double max, double sum, bool log, void* y);
  /// The sum over a piece that backward needs, and dx from that of the whole row.
  using PieceBackwardSum = double (*)(const void* y, const void* dy, Size n, bool log);
  using PieceBackward = void (*)(const void* y, const void* dy, Size n, double sum, bool log,
                                 void* dx);

  Rows rows[2];
  Columns columns[2];
  RowsBackward rows_backward[2];
  ColumnsBackward columns_backward[2];
  LogSumExp logsumexp[2];
  ShiftedExp shifted_exp[2];
  PieceSum piece_sum[2];
  PieceFinish piece_finish[2];
  PieceBackwardSum piece_backward_sum[2];
  PieceBackward piece_backward[2];
};

REEL_DISPATCH_TABLE(SoftmaxTable, softmax_table)

/// Columns that `SoftmaxTable::columns` takes at most: their running values lie on the stack.
inline constexpr Size softmax_columns = 1024;

}  // namespace reel::kernels
