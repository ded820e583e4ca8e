#pragma once

#include "reel/nn/detail/completed.h"
#include "reel/nn/hooks.h"
#include "reel/nn/named_parameters.h"
#include "reel/nn/parameter.h"
#include "reel/nn/required.h"

namespace reel::nn {

/// What an `LSTM` remembers between two pieces of a sequence; undefined tensors stand for zeros.
struct LSTMState {
  Tensor h = {};  ///< hidden states: `[num_layers * directions, N, hidden_size]`
  Tensor c = {};  ///< cells, of the same shape
};

/// What an `LSTM` returns: `auto [output, state] = lstm(x);`.
struct LSTMOutput {
  Tensor output;    ///< the last layer's hidden states of all steps
  LSTMState state;  ///< hidden states and cells after the last step
};

struct LSTM;
struct LSTMCell;
template <>
REEL_API void detail::complete(LSTM& layer);
template <>
REEL_API void detail::complete(LSTMCell& layer);

/// Layers of long short-term memory over a sequence `[T, N, input_size]`, `[N, T, input_size]` with
/// `batch_first`, or `[T, input_size]` for a single one; the output has `hidden_size` numbers in
/// the place of `input_size`, twice as many when `bidirectional`. Without a state it starts from
/// zeros; for a single sequence, states have no dimension N. Parameters start uniform in
/// +-1 / sqrt(hidden_size). Hochreiter and Schmidhuber, "Long short-term memory", 1997; follows
/// `torch.nn.LSTM` (without `proj_size` and packed sequences).
///
/// Throws `[LSTM] expected ...` for sizes that are not positive, a dropout outside [0, 1], and
/// inputs and states of another shape.
///
/// **Example**
/// ```cpp
/// nn::LSTM lstm{.input_size = 64, .hidden_size = 128, .num_layers = 2};
/// auto [output, state] = lstm(x);
/// auto [more, end] = lstm(next_x, state);
/// ```
struct LSTM {
  Required<Size> input_size;   ///< how many numbers a step's input has
  Required<Size> hidden_size;  ///< how many numbers a step's output and state have
  Size num_layers = 1;         ///< each on the output of the one before
  /// Whether there are `bias_ih` and `bias_hh`.
  bool bias = true;
  /// Whether inputs and outputs (not states) have the batch in front of the steps.
  bool batch_first = false;
  /// How much of the output of each layer but the last is dropped in training.
  double dropout = 0;
  /// Whether each layer also runs from the end, its output behind the other's.
  bool bidirectional = false;
  /// `weight_ih_l0` `[4 hidden_size, input_size]`, `weight_hh_l0` `[4 hidden_size, hidden_size]`,
  /// `bias_ih_l0` and `bias_hh_l0` `[4 hidden_size]`, `weight_ih_l0_reverse`, ...,
  /// `weight_ih_l1`, ...; gates in the order input, forget, cell, output.
  NamedParameters weights = {};
  bool training = true;  ///< which mode it is in: set by `nn::train` and `nn::eval`
  Hooks hooks = {};      ///< see `nn::Hooks`
  detail::Completed<LSTM> completed = {};

  /// Runs over a sequence from `state`, or from zeros.
  LSTMOutput operator()(const Tensor& x, const LSTMState& state = {}) const;

 private:
  LSTMOutput run(const Tensor& x, const LSTMState& state) const;
};

/// One step of an `LSTM` layer: `auto [h, c] = cell(x, {h, c});` with `x` `[N, input_size]` or
/// `[input_size]` and states `[N, hidden_size]` or `[hidden_size]`, zeros where undefined.
/// Parameters start uniform in +-1 / sqrt(hidden_size). Follows `torch.nn.LSTMCell`.
///
/// Throws `[LSTMCell] expected ...` for sizes that are not positive and inputs and states of
/// another shape.
struct LSTMCell {
  Required<Size> input_size;   ///< how many numbers an input has
  Required<Size> hidden_size;  ///< how many numbers a state has
  /// Whether there are `bias_ih` and `bias_hh`.
  bool bias = true;
  Parameter weight_ih = {};  ///< `[4 hidden_size, input_size]`
  Parameter weight_hh = {};  ///< `[4 hidden_size, hidden_size]`
  Parameter bias_ih = {};    ///< `[4 hidden_size]`
  Parameter bias_hh = {};    ///< `[4 hidden_size]`
  Hooks hooks = {};          ///< see `nn::Hooks`
  detail::Completed<LSTMCell> completed = {};

  /// The state after a step from `state`, or from zeros.
  LSTMState operator()(const Tensor& x, const LSTMState& state = {}) const;

 private:
  LSTMState run(const Tensor& x, const LSTMState& state) const;
};

}  // namespace reel::nn
