#include "reel/nn/rnn.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "reel/nn/detail/call.h"
#include "reel/nn/detail/fill.h"
#include "reel/nn/detail/walk.h"
#include "reel/nn/init.h"
#include "reel/ops/create/random.h"
#include "reel/ops/sequence/recurrent.h"
#include "reel/ops/shape/join.h"
#include "reel/ops/shape/view.h"

namespace reel::nn {
namespace {

void check_sizes(const char* layer, Size input_size, Size hidden_size) {
  check(input_size > 0 && hidden_size > 0, layer,
        "expected a positive input_size and hidden_size, got {} and {}", input_size, hidden_size);
  reel::detail::checked_numel(layer, {4, hidden_size});
}

void check_state(const char* layer, const char* name, const Tensor& state, const Shape& shape) {
  check(!state.defined() || state.shape() == shape, layer, "expected {} of shape {}, got {}", name,
        shape, state.defined() ? state.shape() : Shape{});
}

Tensor with_batch(const Tensor& tensor, Size dim) {
  return tensor.defined() ? unsqueeze(tensor, dim) : tensor;
}

// The names and shapes of the parameters, in order.
std::vector<std::pair<std::string, Shape>> parameter_shapes(const LSTM& lstm) {
  const Size hidden = lstm.hidden_size, directions = lstm.bidirectional ? 2 : 1;
  std::vector<std::pair<std::string, Shape>> result;
  for (Size layer = 0; layer < lstm.num_layers; ++layer) {
    const Size columns = layer == 0 ? lstm.input_size() : hidden * directions;
    for (Size direction = 0; direction < directions; ++direction) {
      auto add = [&](const char* name, const Shape& shape) {
        result.emplace_back(fmt::format("{}_l{}{}", name, layer, direction == 1 ? "_reverse" : ""),
                            shape);
      };
      add("weight_ih", {4 * hidden, columns});
      add("weight_hh", {4 * hidden, hidden});
      if (!lstm.bias) continue;
      add("bias_ih", {4 * hidden});
      add("bias_hh", {4 * hidden});
    }
  }
  return result;
}

}  // namespace

template <>
void detail::complete(LSTM& layer) {
  check_sizes("LSTM", layer.input_size, layer.hidden_size);
  check(layer.num_layers > 0, "LSTM", "expected a positive num_layers, got {}", layer.num_layers);
  check(layer.dropout >= 0 && layer.dropout <= 1, "LSTM", "expected dropout in [0, 1], got {}",
        layer.dropout);
  const auto expected = parameter_shapes(layer);
  if (layer.weights.empty()) {
    for (const auto& [name, shape] : expected)
      layer.weights.push_back(name, default_values(shape, layer.hidden_size));
    return;
  }
  check(layer.weights.size() == expected.size(), "LSTM", "expected {} weights, got {}",
        expected.size(), layer.weights.size());
  std::size_t i = 0;
  for (const auto& [name, weight] : layer.weights) {
    const auto& [expected_name, shape] = expected[i++];
    check(name == expected_name, "LSTM", "expected the weight {} in this place, got {}",
          expected_name, name);
    check_given("LSTM", name.c_str(), weight, shape);
  }
}

LSTMOutput LSTM::operator()(const Tensor& x, const LSTMState& state) const {
  return detail::call(
      this, [&] { return run(x, state); }, x, state);
}

LSTMOutput LSTM::run(const Tensor& x, const LSTMState& state) const {
  const bool single = x.dim() == 2;
  check((x.dim() == 3 || single) && x.size(-1) == input_size, "LSTM",
        "expected input of shape {}, got {}",
        fmt::format("[{1}, {0}] or [T, {0}]", input_size(), batch_first ? "N, T" : "T, N"),
        x.shape());
  const bool turned = batch_first && !single;
  Tensor input = single ? unsqueeze(x, 1) : turned ? transpose(x, 0, 1) : x;
  check(input.size(0) > 0, "LSTM", "expected a sequence with at least one step, got shape {}",
        x.shape());

  const Size directions = bidirectional ? 2 : 1, runs = num_layers * directions;
  const Shape state_shape =
      single ? Shape{runs, hidden_size} : Shape{runs, input.size(1), hidden_size};
  check_state("LSTM", "h_0", state.h, state_shape);
  check_state("LSTM", "c_0", state.c, state_shape);
  const Tensor h_0 = single ? with_batch(state.h, 1) : state.h;
  const Tensor c_0 = single ? with_batch(state.c, 1) : state.c;
  auto initial = [](const Tensor& states, Size run) {
    return states.defined() ? select(states, 0, run) : states;
  };

  const std::size_t tensors = bias ? 4 : 2;
  check(weights.size() == static_cast<std::size_t>(runs) * tensors, "LSTM",
        "expected the options that it was made with, got others with {} weights", weights.size());
  std::vector<Tensor> h_n, c_n;
  for (Size layer = 0; layer < num_layers; ++layer) {
    if (layer > 0 && dropout > 0) input = reel::dropout(input, dropout, training);
    std::vector<Tensor> outputs;
    for (Size direction = 0; direction < directions; ++direction) {
      const Size run = layer * directions + direction;
      const std::size_t at = static_cast<std::size_t>(run) * tensors;
      LSTMWeights own{weights[at], weights[at + 1]};
      if (bias) own.bias_ih = weights[at + 2], own.bias_hh = weights[at + 3];
      const LSTMOutputs result =
          lstm_layer(input, own, initial(h_0, run), initial(c_0, run), direction == 1);
      outputs.push_back(result.output);
      h_n.push_back(result.h_n);
      c_n.push_back(result.c_n);
    }
    input = directions == 1 ? outputs[0] : cat(outputs, 2);
  }

  auto together = [&](const std::vector<Tensor>& states) {
    const Tensor all = states.size() == 1 ? unsqueeze(states[0], 0) : stack(states);
    return single ? squeeze(all, 1) : all;
  };
  const Tensor output = single ? squeeze(input, 1) : turned ? transpose(input, 0, 1) : input;
  return {output, {together(h_n), together(c_n)}};
}

template <>
void detail::complete(LSTMCell& layer) {
  const Size input = layer.input_size, hidden = layer.hidden_size;
  check_sizes("LSTMCell", input, hidden);
  const auto uniform = [&](const Shape& shape) { return default_values(shape, hidden); };
  const auto bias = [&](const Shape& shape) { return layer.bias ? uniform(shape) : Tensor(); };
  fill("LSTMCell", "weight_ih", layer.weight_ih, {4 * hidden, input}, uniform);
  fill("LSTMCell", "weight_hh", layer.weight_hh, {4 * hidden, hidden}, uniform);
  fill("LSTMCell", "bias_ih", layer.bias_ih, {4 * hidden}, bias);
  fill("LSTMCell", "bias_hh", layer.bias_hh, {4 * hidden}, bias);
}

LSTMState LSTMCell::operator()(const Tensor& x, const LSTMState& state) const {
  return detail::call(
      this, [&] { return run(x, state); }, x, state);
}

LSTMState LSTMCell::run(const Tensor& x, const LSTMState& state) const {
  const bool single = x.dim() == 1;
  check((x.dim() == 2 || single) && x.size(-1) == input_size, "LSTMCell",
        "expected input of shape {}, got {}", fmt::format("[N, {0}] or [{0}]", input_size()),
        x.shape());
  const Shape state_shape = single ? Shape{hidden_size} : Shape{x.size(0), hidden_size};
  check_state("LSTMCell", "h_0", state.h, state_shape);
  check_state("LSTMCell", "c_0", state.c, state_shape);
  auto batched = [&](const Tensor& tensor) { return single ? with_batch(tensor, 0) : tensor; };
  const LSTMOutputs result =
      lstm_layer(unsqueeze(batched(x), 0), {weight_ih, weight_hh, bias_ih, bias_hh},
                 batched(state.h), batched(state.c));
  auto unbatched = [&](const Tensor& tensor) { return single ? squeeze(tensor, 0) : tensor; };
  return {unbatched(result.h_n), unbatched(result.c_n)};
}

}  // namespace reel::nn
