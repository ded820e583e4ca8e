#pragma once

#include "reel/base/dtype.h"

namespace reel::kernels {

/// A sequence `x` [steps, batch, input] run through one layer of an LSTM. Gates lie in the order
/// input, forget, cell, output.
struct LstmShape {
  Size steps = 0;
  Size batch = 0;
  Size input = 0;
  Size hidden = 0;
  bool reverse = false;  // the last step first
};

/// What the layer is made of: weight_ih [4 hidden, input], weight_hh [4 hidden, hidden], bias
/// [4 hidden]; h_0 and c_0 [batch, hidden]. The last three may be null for zeros.
struct LstmInputs {
  const void* x = nullptr;
  const void* weight_ih = nullptr;
  const void* weight_hh = nullptr;
  const void* bias = nullptr;
  const void* h_0 = nullptr;
  const void* c_0 = nullptr;
};

/// Runs the sequence: gates [steps, batch, 4 hidden], hidden states and cells [steps, batch,
/// hidden].
void lstm_forward(DType dtype, const LstmShape& shape, const LstmInputs& inputs, void* gates,
                  void* h, void* c);

/// The gradient `dz` [steps, batch, 4 hidden] of what goes into the gates, from those of the hidden
/// states, `dh`, and of the last cell, `dc` [batch, hidden]; also of `h_0` and `c_0`. `gates` and
/// `c` are those of the forward run.
void lstm_backward(DType dtype, const LstmShape& shape, const LstmInputs& inputs, const void* gates,
                   const void* c, const void* dh, const void* dc, void* dz, void* dh_0, void* dc_0);

}  // namespace reel::kernels
