// Tutorial 2: the tape. Read it beside README.md; every CLAIM is checked when the program runs.

#include <reel/autograd/xtensor.h>
#include <reel/reel.h>

#include <cmath>
#include <iostream>
#include <vector>

#include "../claim.h"

using namespace reel;

namespace {

bool near(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item() < 1e-5; }

void first_gradient() {
  std::cout << "--- A first gradient\n";

  // requires_grad asks the tape to follow what is computed from x.
  const Tensor x = tensor({1.0, 2.0, 3.0}, {.requires_grad = true});
  const Tensor y = (x * x).sum();
  std::cout << y << "\n";
  CLAIM(y.requires_grad() && std::string(y.op_name()) == "sum");

  // backward() rewinds the tape and leaves dy/dx = 2x in x.grad().
  y.backward();
  std::cout << x.grad() << "\n";
  CLAIM(near(x.grad(), 2 * x.detach()));
}

void accumulate() {
  std::cout << "--- Gradients add up\n";

  const Tensor w = tensor(3.0, {.requires_grad = true});
  for (int i = 0; i < 2; ++i) (w * w).backward();
  CLAIM(w.grad().item() == 12);  // 6 + 6: this is why a training loop calls zero_grad()

  w.set_grad({});
  (w * w).backward();
  CLAIM(w.grad().item() == 6);

  // The tape of one y can be rewound once, unless it is told to stay.
  const Tensor y = w * w;
  y.backward({.retain_graph = true});
  y.backward();
  CLAIM(w.grad().item() == 18);
  try {
    y.backward();
    CLAIM(false);
  } catch (const Error&) {
  }
}

// The graph is whatever the program does: loops and branches need no special form.
Tensor newton_root(const Tensor& a, int steps) {
  Tensor root = a;
  for (int i = 0; i < steps; ++i) root = 0.5 * (root + a / root);
  return root;
}

void through_a_loop() {
  std::cout << "--- Through a loop\n";

  const Tensor a = tensor(2.0, {.dtype = float64, .requires_grad = true});
  const Tensor root = newton_root(a, 6);
  root.backward();
  std::cout << "sqrt(2) = " << root.item() << ", its derivative " << a.grad().item() << "\n";
  CLAIM(std::abs(root.item() - std::sqrt(2.0)) < 1e-12);
  CLAIM(std::abs(a.grad().item() - 0.5 / std::sqrt(2.0)) < 1e-9);
}

void stop_recording() {
  std::cout << "--- Off the tape\n";

  const Tensor w = ones({3}, {.requires_grad = true});
  {
    NoGradGuard no_grad;
    CLAIM(!(w * 2).requires_grad());
    w -= 0.1;  // in place is allowed where nothing is recorded: how optimizers change weights
  }
  CLAIM(!w.detach().requires_grad());
  CLAIM(near(w.detach(), full({3}, 0.9)));
  CLAIM(w.detach().data_ptr<float>() == w.data_ptr<float>());  // the same memory
}

void ask_for_gradients() {
  std::cout << "--- grad(), and gradients of gradients\n";

  // grad(output, input) returns the gradient and leaves every .grad() alone.
  const Tensor x = tensor(2.0, {.dtype = float64, .requires_grad = true});
  const Tensor y = sin(x) * x;
  const Tensor first = grad(y, x, {.create_graph = true});  // recorded, so it can be differentiated
  const Tensor second = grad(first, x, {.create_graph = true});
  const Tensor third = grad(second, x);
  std::cout << "y' = " << first.item() << ", y'' = " << second.item() << ", y''' = " << third.item()
            << "\n";
  const double s = std::sin(2.0), c = std::cos(2.0);
  CLAIM(std::abs(first.item() - (s + 2 * c)) < 1e-12);
  CLAIM(std::abs(second.item() - (2 * c - 2 * s)) < 1e-12);
  CLAIM(std::abs(third.item() - (-3 * s - 2 * c)) < 1e-12);
}

// Second derivatives of whole layers, against differences.
void every_op() {
  const TensorOptions options{.dtype = float64, .requires_grad = true};
  manual_seed(3);

  nn::Conv2d conv{.in_channels = 1, .out_channels = 2, .kernel_size = 3};
  nn::LSTM lstm{.input_size = 2, .hidden_size = 3};
  nn::MultiheadAttention attention{.embed_dim = 4, .num_heads = 2};
  nn::to(conv, float64);
  nn::to(lstm, float64);
  nn::to(attention, float64);
  CLAIM(gradgradcheck([&](const Tensor& x) { return max_pool2d(conv(x), 2); },
                      randn({1, 1, 6, 6}, options)));
  CLAIM(gradgradcheck([&](const Tensor& x) { return lstm(x).output; }, randn({4, 1, 2}, options)));
  CLAIM(gradgradcheck([&](const Tensor& x) { return attention(x); }, randn({3, 1, 4}, options)));
}

// An op of one's own. Forward is one xtensor expression, evaluated in one pass over memory, for
// float and double alike. The gradient is written in tensor ops, so it can be differentiated again.
Tensor softplus_of(const Tensor& x) {
  return record(
      "softplus_of", [](auto& out, const auto& in) { xt::noalias(out) = xt::log1p(xt::exp(in)); },
      [](const Tensor& dy, const Tensor&, const Tensor& in) { return dy * sigmoid(in); }, x);
}

// The same with a slip: the gradient forgets the chain rule's dy and half of the formula.
Tensor wrong_square(const Tensor& x) {
  const Tensor out = x.detach() * x.detach();
  return record("wrong_square", out, wrt(x, [x = save(x)](const Tensor& dy) { return dy * x; }));
}

void own_op() {
  std::cout << "--- An op of one's own\n";

  manual_seed(1);
  const Tensor x = randn({2, 3}, {.dtype = float64, .requires_grad = true});

  // gradcheck compares backward with differences; it works on any function of tensors.
  CLAIM(gradcheck(softplus_of, x));
  CLAIM(gradgradcheck(softplus_of, x));

  const auto verdict = gradcheck(wrong_square, x);
  std::cout << verdict << "\n";
  CLAIM(!verdict);
}

void guard_rails() {
  std::cout << "--- Guard rails\n";

  // exp keeps its result for backward; changing it in between would give a wrong gradient.
  const Tensor x = ones({2}, {.requires_grad = true});
  const Tensor y = exp(x);
  {
    NoGradGuard no_grad;
    y.detach().mul_(2);
  }
  try {
    y.sum().backward();
    CLAIM(false);
  } catch (const Error& error) {
    std::cout << error.what() << "\n";
  }
}

}  // namespace

int main() {
  first_gradient();
  accumulate();
  through_a_loop();
  stop_recording();
  ask_for_gradients();
  every_op();
  own_op();
  guard_rails();
}
