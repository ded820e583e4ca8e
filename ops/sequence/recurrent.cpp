#include "reel/ops/sequence/recurrent.h"

#include <utility>
#include <vector>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/lstm.h"
#include "reel/ops/create/create.h"
#include "reel/ops/matmul/matmul.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/join.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/gradients_by.h"

namespace reel {
namespace {

using detail::readable;
using detail::writable;

/// The sizes of a layer and of its sequence.
struct LSTMShape {
  Size steps, batch, input, hidden;
  bool reverse;
};

constexpr OpName op = "lstm_layer";

/// What an LSTM layer is made from, in the order of its gradients.
enum Input { x_, h_0_, c_0_, weight_ih_, weight_hh_, bias_ih_, bias_hh_, input_count };

void check_input(const char* name, const Tensor& tensor, const Shape& shape, const Tensor& x) {
  check(tensor.defined() && tensor.shape() == shape, op,
        "expected {} of shape {} to match input {}, got {}", name, shape, x.shape(),
        tensor.defined() ? tensor.shape() : Shape{});
  detail::check_one_dtype(op, name, tensor, "input", x);
}

LSTMShape check_inputs(const Tensor& x, const LSTMWeights& w, const Tensor& h_0, const Tensor& c_0,
                       bool reverse) {
  detail::check_defined(op, "input", x);
  check(x.dim() == 3, op, "expected input [T, N, I], got shape {}", x.shape());
  check(x.is_floating_point(), op, "expected float32 or float64, got {}\nhelp: x.to(float32)",
        x.dtype());
  check(w.weight_hh.defined() && w.weight_hh.dim() == 2, op,
        "expected weight_hh [4 H, H], got shape {}",
        w.weight_hh.defined() ? w.weight_hh.shape() : Shape{});
  const Size steps = x.shape()[0], batch = x.shape()[1], hidden = w.weight_hh.shape()[1];
  check(steps > 0, op, "expected a sequence with at least one step, got shape {}", x.shape());
  check(hidden > 0, op, "expected at least one hidden unit, got weight_hh {}", w.weight_hh.shape());
  // Where these two differ it is the input that comes from outside.
  if (w.weight_ih.defined()) detail::check_one_dtype(op, "input", x, "weight_ih", w.weight_ih);
  check_input("weight_ih", w.weight_ih, {4 * hidden, x.shape()[2]}, x);
  check_input("weight_hh", w.weight_hh, {4 * hidden, hidden}, x);
  if (w.bias_ih.defined()) check_input("bias_ih", w.bias_ih, {4 * hidden}, x);
  if (w.bias_hh.defined()) check_input("bias_hh", w.bias_hh, {4 * hidden}, x);
  if (h_0.defined()) check_input("h_0", h_0, {batch, hidden}, x);
  if (c_0.defined()) check_input("c_0", c_0, {batch, hidden}, x);
  return {steps, batch, x.shape()[2], hidden, reverse};
}

Tensor as_rows(const Tensor& x) { return reshape(x, {x.shape()[0] * x.shape()[1], x.shape()[2]}); }

Tensor add_or_either(const Tensor& a, const Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? add(a, b) : a;
}

/// Both biases have the sum over all steps and rows.
void put_bias_gradients(const Tensor& dz, const Needs& needs, Gradients& result) {
  if (!needs[bias_ih_] && !needs[bias_hh_]) return;
  const Tensor sums = sum(as_rows(dz), 0);
  if (needs[bias_ih_]) result[bias_ih_] = sums;
  if (needs[bias_hh_]) result[bias_hh_] = sums;
}

/// One step in differentiable ops.
struct Step {
  Tensor i, f, g, o, c_before, tanh_c;
};

/// The gradients of what a layer gives; zeros where none came.
struct OutputGradients {
  Tensor states;  // [T, N, H], of the hidden states
  Tensor cell;    // [N, H], of the last cell

  OutputGradients(const Gradients& dy, const LSTMShape& s, DType dtype)
      : states(dy[0]), cell(dy[1]) {
    if (!states.defined()) states = zeros({s.steps, s.batch, s.hidden}, {.dtype = dtype});
    if (!cell.defined()) cell = zeros({s.batch, s.hidden}, {.dtype = dtype});
  }
};

/// The gradients in differentiable ops.
Gradients plain_gradients(const OutputGradients& dy, const std::vector<Tensor>& in, bool reverse,
                          const Needs& needs) {
  const Tensor &x = in[x_], &weight_hh = in[weight_hh_];
  const Size steps = x.shape()[0], batch = x.shape()[1], hidden = weight_hh.shape()[1];
  auto at = [&](Size i) { return reverse ? steps - 1 - i : i; };
  auto or_zeros = [&](const Tensor& state) {
    return state.defined() ? state : zeros({batch, hidden}, {.dtype = x.dtype()});
  };
  const Tensor from_input = linear(x, in[weight_ih_], add_or_either(in[bias_ih_], in[bias_hh_]));
  std::vector<Step> run;
  std::vector<Tensor> before(static_cast<std::size_t>(steps)), dz(before);
  Tensor h = or_zeros(in[h_0_]), c = or_zeros(in[c_0_]);
  for (Size i = 0; i < steps; ++i) {
    before[static_cast<std::size_t>(at(i))] = h;
    const std::vector<Tensor> z =
        chunk(add(select(from_input, 0, at(i)), matmul(h, t(weight_hh))), 4, 1);
    Step step{sigmoid(z[0]), sigmoid(z[1]), tanh(z[2]), sigmoid(z[3]), c, {}};
    c = add(mul(step.f, c), mul(step.i, step.g));
    step.tanh_c = tanh(c);
    h = mul(step.o, step.tanh_c);
    run.push_back(std::move(step));
  }
  // sigmoid' = s (1 - s), tanh' = 1 - t^2.
  auto sigmoid_slope = [](const Tensor& s) { return mul(s, sub(1, s)); };
  auto tanh_slope = [](const Tensor& y) { return sub(1, mul(y, y)); };
  Tensor dh = or_zeros({}), dc = dy.cell;
  for (Size i = steps - 1; i >= 0; --i) {
    const Step& s = run[static_cast<std::size_t>(i)];
    dh = add(dh, select(dy.states, 0, at(i)));
    dc = add(dc, mul(mul(dh, s.o), tanh_slope(s.tanh_c)));
    const Tensor gates =
        cat({mul(mul(dc, s.g), sigmoid_slope(s.i)), mul(mul(dc, s.c_before), sigmoid_slope(s.f)),
             mul(mul(dc, s.i), tanh_slope(s.g)), mul(mul(dh, s.tanh_c), sigmoid_slope(s.o))},
            1);
    dz[static_cast<std::size_t>(at(i))] = gates;
    dc = mul(dc, s.f);
    dh = matmul(gates, weight_hh);
  }
  const Tensor all = stack(dz), rows = as_rows(all);
  Gradients result{reshape(mm(rows, in[weight_ih_]), x.shape()), dh, dc, mm(t(rows), as_rows(x)),
                   mm(t(rows), as_rows(stack(before))),          {}, {}};
  put_bias_gradients(all, needs, result);
  return result;
}

/// What the forward pass leaves for the fused backward.
struct Run {
  Tensor gates;  // [T, N, 4 H]
  Tensor cells;  // [T, N, H]
};

std::vector<Tensor> all_contiguous(std::vector<Tensor> tensors) {
  for (Tensor& tensor : tensors)
    if (tensor.defined()) tensor = contiguous(tensor);
  return tensors;
}

kernels::LSTMInputs arrays(const std::vector<Tensor>& in, const Tensor& bias, bool reverse) {
  return {readable(in[x_]), readable(in[weight_ih_]), readable(in[weight_hh_]),
          readable(bias),   readable(in[h_0_]),       readable(in[c_0_]),
          reverse};
}

/// Each step was given the hidden state of the step before in `y` [T, N, H], the first one h_0.
Tensor weight_hh_gradient(const Tensor& dz, const Tensor& y, const Tensor& h_0,
                          const LSTMShape& s) {
  const Size later = s.steps - 1;
  const Tensor of_later = narrow(dz, 0, s.reverse ? 0 : 1, later);
  const Tensor dw = mm(t(as_rows(of_later)), as_rows(narrow(y, 0, s.reverse ? 1 : 0, later)));
  if (!h_0.defined()) return dw;
  return add(dw, mm(t(select(dz, 0, s.reverse ? later : 0)), h_0));
}

Gradients fused_gradients(const OutputGradients& dy, const Tensor& y,
                          const std::vector<Tensor>& given, const Run& run, const LSTMShape& s,
                          const Needs& needs) {
  const TensorOptions options{.dtype = y.dtype()};
  const std::vector<Tensor> in = all_contiguous(given);
  const Tensor dh = contiguous(dy.states), dc = contiguous(dy.cell), &x = in[x_];
  const Tensor dz = empty(run.gates.shape(), options);
  Gradients result(input_count);
  result[h_0_] = empty({s.batch, s.hidden}, options);
  result[c_0_] = empty({s.batch, s.hidden}, options);
  kernels::lstm_backward(
      arrays(in, {}, s.reverse), readable(run.gates), readable(run.cells), readable(dh),
      readable(dc),
      {.gates = writable(dz), .h_0 = writable(result[h_0_]), .c_0 = writable(result[c_0_])});
  if (needs[x_]) result[x_] = reshape(mm(as_rows(dz), in[weight_ih_]), x.shape());
  if (needs[weight_ih_]) result[weight_ih_] = mm(t(as_rows(dz)), as_rows(in[x_]));
  if (needs[weight_hh_]) result[weight_hh_] = weight_hh_gradient(dz, y, in[h_0_], s);
  put_bias_gradients(dz, needs, result);
  return result;
}

}  // namespace

LSTMOutputs lstm_layer(const Tensor& x, const LSTMWeights& weights, const Tensor& h_0,
                       const Tensor& c_0, bool reverse) {
  const detail::OpScope scope(op, x);
  detail::check_not_batched(op, weights.weight_ih, weights.weight_hh, weights.bias_ih,
                            weights.bias_hh, h_0, c_0);
  const LSTMShape s = check_inputs(x, weights, h_0, c_0, reverse);
  Tensor states = empty({s.steps, s.batch, s.hidden}, {.dtype = x.dtype()});
  const Run done{empty({s.steps, s.batch, 4 * s.hidden}, {.dtype = x.dtype()}),
                 empty({s.steps, s.batch, s.hidden}, {.dtype = x.dtype()})};
  const std::vector<Tensor> tensors{
      x, h_0, c_0, weights.weight_ih, weights.weight_hh, weights.bias_ih, weights.bias_hh};
  const Size last = reverse ? 0 : s.steps - 1;
  Tensor cell;
  {
    const NoGradGuard no_grad;
    const std::vector<Tensor> in = all_contiguous(tensors);
    const Tensor bias = add_or_either(in[bias_ih_], in[bias_hh_]);
    kernels::lstm_forward(arrays(in, bias, reverse), writable(done.gates), writable(states),
                          writable(done.cells));
    cell = clone(select(done.cells, 0, last));
  }
  const std::vector<Saved> saved(tensors.begin(), tensors.end());
  auto [output, c_n] = record(
      op, outputs(std::move(states), std::move(cell)), Inputs{tensors},
      [saved, done, s](const Gradients& given, const std::vector<Tensor>& y, const Needs& needs) {
        const std::vector<Tensor> in(saved.begin(), saved.end());
        const OutputGradients dy(given, s, y[0].dtype());
        return detail::gradients_by([&] { return plain_gradients(dy, in, s.reverse, needs); },
                                    [&] { return fused_gradients(dy, y[0], in, done, s, needs); },
                                    given, in);
      });
  return {output, select(output, 0, last), c_n};
}

}  // namespace reel
