#include "reel/ops/sequence/recurrent.h"

#include <doctest/doctest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "reel/base/threads.h"
#include "support/op_check.h"

using namespace reel;
using testing::random_tensor;
using testing::values_of;

namespace {

/// The tensors of one layer: x, h_0, c_0, weight_ih, weight_hh, bias_ih, bias_hh.
std::vector<Tensor> layer_of(Size steps, Size batch, Size in, Size hidden, DType dtype = float64) {
  std::vector<Tensor> tensors;
  std::uint32_t seed = 1;
  for (const Shape& shape :
       {Shape{steps, batch, in}, Shape{batch, hidden}, Shape{batch, hidden}, Shape{4 * hidden, in},
        Shape{4 * hidden, hidden}, Shape{4 * hidden}, Shape{4 * hidden}}) {
    tensors.push_back(random_tensor(shape, -0.5, 0.5, seed++).to(dtype).requires_grad_());
  }
  return tensors;
}

LSTMOutputs run(const std::vector<Tensor>& in, bool reverse) {
  return lstm_layer(in[0], {in[3], in[4], in[5], in[6]}, in[1], in[2], reverse);
}

/// The same, step by step in other ops.
LSTMOutputs run_plainly(const std::vector<Tensor>& in, bool reverse) {
  const Size steps = in[0].size(0);
  Tensor h = in[1], c = in[2];
  std::vector<Tensor> output(static_cast<std::size_t>(steps));
  for (Size i = 0; i < steps; ++i) {
    const Size step = reverse ? steps - 1 - i : i;
    const auto z =
        chunk(linear(select(in[0], 0, step), in[3], in[5]) + linear(h, in[4], in[6]), 4, 1);
    c = sigmoid(z[1]) * c + sigmoid(z[0]) * tanh(z[2]);
    h = sigmoid(z[3]) * tanh(c);
    output[static_cast<std::size_t>(step)] = h;
  }
  return {stack(output), h, c};
}

/// Outputs and the gradients of all inputs for random gradients of the outputs.
template <class Run>
std::vector<Tensor> outputs_and_gradients(const Run& f, const std::vector<Tensor>& in,
                                          bool reverse) {
  const LSTMOutputs y = f(in, reverse);
  std::vector<Tensor> all{y.output, y.h_n, y.c_n};
  std::vector<Tensor> grad_outputs;
  for (const Tensor& out : all) {
    grad_outputs.push_back(random_tensor(out.shape(), -1, 1, 9).to(out.dtype()));
  }
  const std::vector<Tensor> gradients = grad(all, in, {.grad_outputs = grad_outputs});
  all.insert(all.end(), gradients.begin(), gradients.end());
  return all;
}

void check_close(const std::vector<Tensor>& got, const std::vector<Tensor>& expected,
                 double tolerance) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    REQUIRE(got[i].shape() == expected[i].shape());
    const NoGradGuard no_grad;
    const Tensor scale = abs(expected[i].detach()).amax().maximum(1);
    CHECK((abs(got[i].detach() - expected[i].detach()) / scale).amax().item() <= tolerance);
  }
}

}  // namespace

TEST_CASE("lstm_layer is the recurrence, for every tail of a tile") {
  for (const Size hidden : {1, 3, 8, 16, 17, 33, 64, 70, 131, 160}) {
    for (const Size batch : {1, 2, 5, 7, 13}) {
      for (const bool reverse : {false, true}) {
        CAPTURE(hidden);
        CAPTURE(batch);
        CAPTURE(reverse);
        const auto wide = layer_of(3, batch, 4, hidden);
        check_close(outputs_and_gradients(run, wide, reverse),
                    outputs_and_gradients(run_plainly, wide, reverse), 1e-12);
        const auto narrow = layer_of(3, batch, 4, hidden, float32);
        check_close(outputs_and_gradients(run, narrow, reverse),
                    outputs_and_gradients(run_plainly, narrow, reverse), 2e-5);
      }
    }
  }
}

TEST_CASE("lstm_layer adds up sums too long for one block") {
  for (const auto& [in, hidden] : {std::pair<Size, Size>{300, 260}, {256, 5}, {3, 300}}) {
    const auto wide = layer_of(2, 7, in, hidden);
    check_close(outputs_and_gradients(run, wide, false),
                outputs_and_gradients(run_plainly, wide, false), 1e-11);
  }
}

TEST_CASE("lstm_layer has right first and second derivatives") {
  for (const bool reverse : {false, true}) {
    testing::check_gradients(
        [&](const Tensor& x, const Tensor& h, const Tensor& c, const Tensor& weight_ih,
            const Tensor& weight_hh, const Tensor& bias_ih, const Tensor& bias_hh) {
          const LSTMOutputs y =
              lstm_layer(x, {weight_ih, weight_hh, bias_ih, bias_hh}, h, c, reverse);
          return cat({flatten(y.output), flatten(y.h_n) * 2, flatten(y.c_n) * 3});
        },
        random_tensor({3, 2, 2}), random_tensor({2, 2}, -1, 1, 2), random_tensor({2, 2}, -1, 1, 3),
        random_tensor({8, 2}, -1, 1, 4), random_tensor({8, 2}, -1, 1, 5),
        random_tensor({8}, -1, 1, 6), random_tensor({8}, -1, 1, 7));
  }
  testing::check_gradients(
      [](const Tensor& x, const Tensor& weight_ih, const Tensor& weight_hh) {
        return lstm_layer(x, {weight_ih, weight_hh}).output;
      },
      random_tensor({1, 1, 2}), random_tensor({4, 2}, -1, 1, 2), random_tensor({4, 1}, -1, 1, 3));
}

TEST_CASE("lstm_layer's recorded backward gives the numbers of the fused one") {
  for (const bool reverse : {false, true}) {
    const auto in = layer_of(4, 3, 2, 5);
    const Tensor dy = random_tensor({4, 3, 5}, -1, 1, 8), dc = random_tensor({3, 5}, -1, 1, 9);
    auto gradients = [&](bool recorded) {
      const LSTMOutputs y = run(in, reverse);
      return grad({y.output, y.c_n}, in, {.grad_outputs = {dy, dc}, .create_graph = recorded});
    };
    check_close(gradients(true), gradients(false), 1e-13);
  }
}

TEST_CASE("lstm_layer starts from zeros and goes without biases") {
  const auto in = layer_of(3, 2, 4, 5);
  const Tensor zero_state = zeros({2, 5}, {.dtype = float64});
  const Tensor zero_bias = zeros({20}, {.dtype = float64});
  const auto y = lstm_layer(in[0], {in[3], in[4]});
  const auto same = lstm_layer(in[0], {in[3], in[4], zero_bias, zero_bias}, zero_state, zero_state);
  CHECK(values_of(y.output) == values_of(same.output));
  CHECK(values_of(y.c_n) == values_of(same.c_n));
  const auto one_bias = lstm_layer(in[0], {in[3], in[4], {}, in[6]}, {}, in[2]);
  const auto other = lstm_layer(in[0], {in[3], in[4], in[6], {}}, zero_state, in[2]);
  CHECK(values_of(one_bias.output) == values_of(other.output));
}

TEST_CASE("lstm_layer reads tensors in any memory order") {
  const auto in = layer_of(3, 4, 5, 6);
  auto turned = [](const Tensor& x) {
    return x.dim() < 2 ? x : transpose(contiguous(transpose(x.detach(), 0, 1)), 0, 1);
  };
  std::vector<Tensor> strided;
  for (const Tensor& tensor : in) strided.push_back(turned(tensor).requires_grad_());
  check_close(outputs_and_gradients(run, strided, false), outputs_and_gradients(run, in, false),
              1e-13);
}

TEST_CASE("lstm_layer computes the gradients asked for only, and of batches without rows") {
  const auto in = layer_of(3, 2, 4, 5);
  const auto all = outputs_and_gradients(run, in, false);
  for (std::size_t i = 0; i < in.size(); ++i) {
    CAPTURE(i);
    std::vector<Tensor> one;
    for (const Tensor& tensor : in) one.push_back(tensor.detach());
    one[i].requires_grad_();
    const LSTMOutputs y = run(one, false);
    const Tensor total = (y.output * random_tensor({3, 2, 5}, -1, 1, 9)).sum() +
                         ((y.h_n + y.c_n) * random_tensor({2, 5}, -1, 1, 9)).sum();
    check_close({grad(total, one[i])}, {all[3 + i]}, 1e-12);
  }
  const auto none = layer_of(3, 0, 4, 5);
  const LSTMOutputs y = run(none, false);
  CHECK(y.output.shape() == Shape{3, 0, 5});
  y.output.sum().backward();
  CHECK(values_of(none[4].grad()) == std::vector<double>(100, 0.));
}

TEST_CASE("lstm_layer's biases have gradients of their own memory") {
  const auto in = layer_of(2, 1, 1, 1);
  run(in, false).output.sum().backward();
  const std::vector<double> before = values_of(in[6].grad());
  in[5].grad().zero_();
  CHECK(values_of(in[6].grad()) == before);
}

TEST_CASE("lstm_layer records nothing without a gradient to compute") {
  const auto in = layer_of(2, 3, 1, 4);
  const NoGradGuard no_grad;
  const LSTMOutputs y = run(in, false);
  CHECK_FALSE(y.output.requires_grad());
  CHECK_FALSE(y.c_n.requires_grad());
}

TEST_CASE("lstm_layer gives the same bits for any number of threads") {
  const int before = get_num_threads();
  for (const DType dtype : {float32, float64}) {
    const auto in = layer_of(16, 23, 32, 72, dtype);
    std::vector<std::vector<Tensor>> results;
    for (const int threads : {1, 2, 3}) {
      set_num_threads(threads);
      results.push_back(outputs_and_gradients(run, in, false));
    }
    set_num_threads(before);
    for (std::size_t i = 0; i < results[0].size(); ++i) {
      CAPTURE(i);
      CHECK(values_of(results[0][i]) == values_of(results[1][i]));
      CHECK(values_of(results[0][i]) == values_of(results[2][i]));
    }
  }
}

TEST_CASE("lstm_layer saturates for huge inputs and lets NaN through") {
  const double nan = std::nan("");
  // One unit, one step, only the input gate's weight is not 0: c = sigmoid(x) tanh(1).
  const Tensor weight = tensor({{1.0}, {0.0}, {0.0}, {0.0}});
  const Tensor bias = tensor({0.0, 0.0, 1.0, 0.0});
  const Tensor x = tensor({{{1e30}, {-1e30}, {nan}, {0.0}}});
  const LSTMOutputs y = lstm_layer(x, {weight, tensor({{0.0}, {0.0}, {0.0}, {0.0}}), bias});
  testing::check_values(y.c_n, {4, 1}, {std::tanh(1.0), 0, nan, std::tanh(1.0) / 2}, 1e-6);
}

TEST_CASE("lstm_layer says what does not fit") {
  const auto in = layer_of(3, 2, 4, 5);
  const LSTMWeights weights{in[3], in[4], in[5], in[6]};
  CHECK_THROWS_WITH_AS(lstm_layer(in[1], weights),
                       "[lstm_layer] expected input [T, N, I], got shape [2, 5]", Error);
  CHECK_THROWS_WITH_AS(lstm_layer(ones({3, 2, 4}).to(int64), weights),
                       "[lstm_layer] expected float32 or float64, got int64\nhelp: x.to(float32)",
                       Error);
  CHECK_THROWS_WITH_AS(lstm_layer(in[0], {in[3], in[5]}),
                       "[lstm_layer] expected weight_hh [4 H, H], got shape [20]", Error);
  CHECK_THROWS_WITH_AS(
      lstm_layer(in[0], {in[4], in[4]}),
      "[lstm_layer] expected weight_ih of shape [20, 4] to match input [3, 2, 4], got [20, 5]",
      Error);
  CHECK_THROWS_WITH_AS(
      lstm_layer(in[0], {in[3], in[4], in[1]}),
      "[lstm_layer] expected bias_ih of shape [20] to match input [3, 2, 4], got [2, 5]", Error);
  CHECK_THROWS_WITH_AS(
      lstm_layer(in[0], weights, in[3]),
      "[lstm_layer] expected h_0 of shape [2, 5] to match input [3, 2, 4], got [20, 4]", Error);
  CHECK_THROWS_WITH_AS(
      lstm_layer(in[0], weights, in[1], in[3]),
      "[lstm_layer] expected c_0 of shape [2, 5] to match input [3, 2, 4], got [20, 4]", Error);
  CHECK_THROWS_WITH_AS(lstm_layer(in[0].to(float32), weights),
                       "[lstm_layer] expected input and weight_ih of one dtype, got float32 and "
                       "float64\nhelp: input.to(float64)",
                       Error);
  CHECK_THROWS_WITH_AS(lstm_layer(in[0], weights, in[1].to(float32)),
                       "[lstm_layer] expected h_0 and input of one dtype, got float32 and "
                       "float64\nhelp: h_0.to(float64)",
                       Error);
  CHECK_THROWS_WITH_AS(
      lstm_layer(narrow(in[0], 0, 0, 0), weights),
      "[lstm_layer] expected a sequence with at least one step, got shape [0, 2, 4]", Error);
}
