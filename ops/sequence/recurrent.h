#pragma once

#include "reel/autograd/tensor.h"

namespace reel {

/// What `lstm_layer` returns.
struct LSTMOutputs {
  Tensor output;  ///< the hidden states of all steps, `[T, N, H]`
  Tensor h_n;     ///< the last hidden state, `[N, H]`
  Tensor c_n;     ///< the last cell, `[N, H]`
};

/// The weights of one layer of an LSTM, for the gates input, forget, cell and output, in this
/// order.
struct LSTMWeights {
  Tensor weight_ih;     ///< `[4 H, I]`
  Tensor weight_hh;     ///< `[4 H, H]`
  Tensor bias_ih = {};  ///< `[4 H]`, may be left out
  Tensor bias_hh = {};  ///< `[4 H]`, may be left out
};

/// Runs a sequence `x` `[T, N, I]` of float32 or float64 through one layer of an LSTM in one
/// direction, from hidden state `h_0` and cell `c_0` `[N, H]`, zeros where undefined:
///
///     i, f, g, o = weight_ih x + bias_ih + weight_hh h + bias_hh
///     c = sigmoid(f) c + sigmoid(i) tanh(g),  h = sigmoid(o) tanh(c)
///
/// With `reverse` the last step comes first; outputs stay in the order of `x`.
///
/// Throws when ranks, sizes or dtypes do not fit, and for sequences without a step.
/// Hochreiter and Schmidhuber 1997; one layer of `torch.nn.LSTM`.
REEL_API LSTMOutputs lstm_layer(const Tensor& x, const LSTMWeights& weights, const Tensor& h_0 = {},
                                const Tensor& c_0 = {}, bool reverse = false);

}  // namespace reel
