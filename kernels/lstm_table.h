#pragma once

#include "reel/base/dtype.h"
#include "reel/kernels/dispatch.h"

namespace reel::kernels {

/// One step for some rows of the batch, which lie one behind the other.
template <class T>
struct LSTMStep {
  Size input, hidden;
  const T* packed;    // the weights, see pack_gates
  const T* bias;      // [4 hidden] or null
  const T* x;         // [rows, input]
  const T* h_before;  // [rows, hidden], as what follows; null for zeros
  const T* c_before;  // null for zeros
  T* gates;           // [rows, 4 hidden]
  T* c;
  T* h;
};

template <class T>
struct LSTMKernels {
  /// How many elements the packed weights of so many hidden units take for each term.
  Size (*packed_units)(Size hidden);
  /// Puts weight_ih [4 hidden, input] and weight_hh [4 hidden, hidden] in the order that `forward`
  /// reads.
  void (*pack_gates)(Size input, Size hidden, const T* weight_ih, const T* weight_hh, T* packed);
  void (*forward)(Size rows, const LSTMStep<T>& step);
  /// `dz` from `dy + dh` and `dc`, the gradients of hidden state and cell; `dc` receives the
  /// gradient of the cell before.
  void (*backward)(Size rows, Size hidden, const T* gates, const T* c, const T* c_before,
                   const T* dy, const T* dh, T* dc, T* dz);

  /// How many elements a packed row of weight_hh takes.
  Size (*packed_columns)(Size hidden);
  /// Puts weight_hh in the order that `product` reads.
  void (*pack_columns)(Size hidden, const T* weight, T* packed);
  /// dh = dz weight_hh.
  void (*product)(Size rows, Size hidden, const T* packed, const T* dz, T* dh);
};

struct LSTMTable {
  LSTMKernels<float> of_float;
  LSTMKernels<double> of_double;
};

REEL_DISPATCH_TABLE(LSTMTable, lstm_table)

}  // namespace reel::kernels
