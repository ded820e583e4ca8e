// Tutorial 2: the tape. Read it beside README.md; every CLAIM is checked when the program runs.

#include <reel/autograd/xtensor.h>
#include <reel/reel.h>

#include <cmath>
#include <iostream>
#include <optional>
#include <string>
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

void functions_of_functions() {
  std::cout << "--- Functions of functions\n";

  // func::grad takes a function and gives another: its derivative.
  const auto f = [](const Tensor& x) { return sin(x) * x; };
  const auto df = func::grad(f);
  const auto ddf = func::grad(df);
  const Tensor x = tensor(2.0, {.dtype = float64});
  std::cout << "f' = " << df(x).item() << ", f'' = " << ddf(x).item() << "\n";
  CLAIM(std::abs(df(x).item() - (std::sin(2.0) + 2 * std::cos(2.0))) < 1e-12);
  CLAIM(!df(x).requires_grad());

  // From polar coordinates (radius, angle) to the plane.
  const auto to_plane = [](const Tensor& t) { return stack({t[0] * cos(t[1]), t[0] * sin(t[1])}); };
  const Tensor p = tensor({2.0, 0.5});
  const Tensor j = func::jacobian(to_plane)(p);
  std::cout << j << "\n";
  CLAIM(near(j[0][0] * j[1][1] - j[0][1] * j[1][0], p[0]));  // the determinant is the radius

  // One direction does not need the whole matrix.
  const Tensor v = tensor({0.1, 0.2});
  const auto [where, moved] = func::jvp(to_plane, p, v);
  CLAIM(near(where, to_plane(p)) && near(moved, matmul(j, v)));

  // A layer, or a whole model, is an argument like any other.
  manual_seed(1);
  const nn::Linear layer{.in_features = 3, .out_features = 1};
  const Tensor data = randn({8, 3}), targets = randn({8, 1});
  const auto loss_of = [](const nn::Linear& l, const Tensor& in, const Tensor& wanted) {
    return square(l(in) - wanted).mean();
  };
  const auto [loss, g] = func::value_and_grad(loss_of)(layer, data, targets);
  CLAIM(!layer.weight.grad().defined());
  loss_of(layer, data, targets).backward();
  CLAIM(near(g.weight, layer.weight.grad()) && near(g.bias, layer.bias.grad()));

  // The gradient of each point's loss alone, all at once.
  const auto of_each =
      func::vmap(func::grad(loss_of), {.in_dims = {std::nullopt, 0, 0}})(layer, data, targets);
  CLAIM(of_each.weight.shape() == Shape{8, 1, 3});
  CLAIM(near(of_each.weight.mean(0), g.weight) && near(of_each.bias.mean(0), g.bias));
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

// An op with two results, the length of each row and its direction, and one rule for both.
std::array<Tensor, 2> length_and_direction(const Tensor& x) {
  const Tensor fixed = x.detach();
  Tensor length = sqrt((fixed * fixed).sum(1, true));
  Tensor direction = fixed / length;
  return record("length_and_direction", outputs(std::move(length), std::move(direction)), inputs(x),
                [](const Gradients& dy, const std::vector<Tensor>& results, const Needs&) {
                  const Tensor &l = results[0], &d = results[1];
                  Tensor dx = zeros_like(d);
                  if (dy[0].defined()) dx = dx + dy[0] * d;
                  if (dy[1].defined()) dx = dx + (dy[1] - d * (d * dy[1]).sum(1, true)) / l;
                  return Gradients{dx};
                });
}

void two_results() {
  manual_seed(1);
  const Tensor x = randn({2, 3}, {.dtype = float64, .requires_grad = true});
  CLAIM(gradcheck([](const Tensor& t) { return length_and_direction(t)[0]; }, x));
  CLAIM(gradgradcheck(
      [](const Tensor& t) {
        const auto [length, direction] = length_and_direction(t);
        return length * direction * direction;
      },
      x));
}

// The identity, but the gradient turns round and is scaled: what lies before it learns to make what
// lies behind it fail.
struct Reverse : Function<Reverse> {
  static Tensor forward(Context& context, const Tensor& x, double strength) {
    context.keep("strength", strength);
    return x.clone();
  }
  static Tensor backward(Context& context, const Tensor& dy) {
    return -context.kept<double>("strength") * dy;
  }
};

void functions() {
  std::cout << "--- Functions in PyTorch's form\n";

  const Tensor x = tensor({1.0, 2.0}, {.requires_grad = true});
  const Tensor y = Reverse::apply(x, 0.5);
  (y * y).sum().backward();
  std::cout << "gradient " << x.grad() << "\n";
  CLAIM(x.grad()[0].item() == -1 && x.grad()[1].item() == -2);
}

void look_on() {
  std::cout << "--- Looking on\n";

  const Tensor x = tensor({1.0f, 2.0f}).requires_grad_();
  const Tensor h = x * x;
  h.retain_grad();
  HookHandle hook = h.register_hook([](const Tensor& dy) {
    std::cout << "dy of h: " << dy << "\n";
    return dy.clamp(-3, 3);
  });
  (h * h).sum().backward();
  std::cout << "h.grad(): " << h.grad() << "\n";
  hook.remove();
  CLAIM(near(h.grad(), tensor({2.0f, 3.0f})));
  CLAIM(near(x.grad(), tensor({4.0f, 12.0f})));
}

void draw() {
  const Tensor w = randn({3, 4}, {.requires_grad = true});
  const Tensor x = randn({2, 4});
  const Tensor loss = mean(square(linear(x, w)));
  const std::string picture = graphviz(loss, {.names = {{"w", w}}});
  CLAIM(picture.find("label=\"w\\n[3, 4]\"") != std::string::npos);
}

void trade_memory_for_time() {
  std::cout << "--- Memory for time\n";

  manual_seed(1);
  const Tensor x = randn({64, 256}, {.requires_grad = true});
  const Tensor w = randn({256, 256}, {.requires_grad = true});
  int runs = 0;
  const auto block = [&](const Tensor& input) {
    ++runs;
    return tanh(mm(input, w) / 16) + input;
  };

  Tensor y = x;
  for (int i = 0; i < 8; ++i) y = checkpoint(block, y);
  const Tensor saving = grad(y.sum(), w);
  std::cout << runs << " runs of 8 blocks\n";

  y = x;
  for (int i = 0; i < 8; ++i) y = block(y);
  CLAIM(near(grad(y.sum(), w), saving));
  CLAIM(runs == 16 + 8);
}

void write_in_place() {
  std::cout << "--- Writing in place\n";

  const Tensor w = tensor({1.0f, 2.0f}).requires_grad_();
  const Tensor powers = zeros({3, 2});
  Tensor h = w;
  for (Size i = 0; i < 3; ++i) {
    powers[i] = h;  // recorded
    h = h * w;
  }
  powers.sum().backward();  // of w + w^2 + w^3
  std::cout << "w.grad(): " << w.grad() << "\n";
  CLAIM(near(w.grad(), tensor({6.0f, 17.0f})));

  try {
    w[0] = 5;
    CLAIM(false);
  } catch (const Error& error) {
    std::cout << error.what() << "\n";
  }
}

void find_a_nan() {
  std::cout << "--- Where a NaN came from\n";

  const DetectAnomalyGuard detect;
  const Tensor x = ones({2}, {.requires_grad = true});
  const Tensor y = sqrt(x * 0) * 0;
  try {
    y.sum().backward();
    CLAIM(false);
  } catch (const Error& error) {
    const std::string text = error.what();
    std::cout << text.substr(0, text.find("\n  recorded")) << "\n";
    CLAIM(text.find("recorded by") != std::string::npos);
  }
}

void guard_rails() {
  std::cout << "--- Guard rails\n";

  // exp keeps its result for backward; changing it in between would give a wrong gradient.
  const Tensor x = ones({2}, {.requires_grad = true});
  const Tensor y = exp(x);
  y.mul_(2);
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
  functions_of_functions();
  every_op();
  own_op();
  two_results();
  functions();
  look_on();
  draw();
  trade_memory_for_time();
  write_in_place();
  find_a_nan();
  guard_rails();
}
