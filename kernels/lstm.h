#pragma once

#include "reel/kernels/array.h"

namespace reel::kernels {

// One layer of an LSTM run through a sequence; float32 or float64, all arrays contiguous. Gates lie
// in the order input, forget, cell, output.

/// What the layer is made of: x [steps, batch, input], weight_ih [4 hidden, input], weight_hh
/// [4 hidden, hidden], bias [4 hidden]; h_0 and c_0 [batch, hidden]. The last three may be missing
/// for zeros.
struct LSTMInputs {
  ConstArray x, weight_ih, weight_hh, bias, h_0, c_0;
  bool reverse = false;  ///< the last step first
};

/// Runs the sequence: gates [steps, batch, 4 hidden], hidden states `h` and cells `c` [steps, batch,
/// hidden].
void lstm_forward(const LSTMInputs& inputs, const Array& gates, const Array& h, const Array& c);

/// Where the gradients go: of what enters the gates, [steps, batch, 4 hidden], of h_0 and of c_0.
struct LSTMGradients {
  Array gates, h_0, c_0;
};

/// The gradients from those of the hidden states, `dh`, and of the last cell, `dc` [batch, hidden].
/// `gates` and `c` are those of the forward run.
void lstm_backward(const LSTMInputs& inputs, const ConstArray& gates, const ConstArray& c,
                   const ConstArray& dh, const ConstArray& dc, const LSTMGradients& gradients);

}  // namespace reel::kernels
