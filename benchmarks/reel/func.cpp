// Transforms of functions: an MLP's products with vectors, with respect to its images; the gradients
// of its parameters by each image alone, together and in a loop, of the lesson's MLP and of a small
// one; and the Jacobian of a small function of as many outputs as inputs, by rows and by columns.

#include "reel_side.h"

namespace bench {
namespace {

using namespace reel;

struct Mlp {
  Size in = 784, width = 128;
  nn::Linear hidden{in, width}, out{width, 10};

  Tensor operator()(const Tensor& images) const { return out(relu(hidden(images))); }
};

/// `make(f, images)` gives the step for a frozen MLP and random images.
template <class Make>
bool add_mlp(const char* what, Make make) {
  return add_reel(what, [make](const Case& c) {
    const Mlp net;
    nn::requires_grad_(net, false);
    return reel_step(c, make(net, randn({c.size, 784})));
  });
}

/// `run(gradient, net, images, labels)` is the step: gradients of each image's loss.
template <class Run>
bool add_gradients(const char* what, Mlp net, Run run) {
  return add_reel(what, [=](const Case& c) {
    const auto gradient = func::grad([](const Mlp& f, const Tensor& image, const Tensor& label) {
      return nn::cross_entropy(f(image), label);
    });
    const Tensor images = randn({c.size, net.in}), labels = randint(10, {c.size});
    return reel_step(c, [=] { run(gradient, net, images, labels); });
  });
}
const auto together = [](const auto& gradient, const Mlp& net, const Tensor& x, const Tensor& y) {
  func::vmap(gradient, {.in_dims = {std::nullopt, 0, 0}})(net, x, y);
};
const auto one_by_one = [](const auto& gradient, const Mlp& net, const Tensor& x, const Tensor& y) {
  std::vector<Tensor> hidden, out;
  for (Size i = 0; i < x.size(0); ++i) {
    const Mlp g = gradient(net, x[i], y[i]);
    hidden.push_back(g.hidden.weight);
    out.push_back(g.out.weight);
  }
  stack(hidden);
  stack(out);
};

template <class Transform>
bool add_jacobian(const char* what, Transform transform) {
  return add_reel(what, [transform](const Case& c) {
    const Tensor m = randn({c.size, c.size}), x = randn({c.size});
    const auto jacobian =
        transform([m](const Tensor& in) { return softmax(matmul(m, tanh(in)) * in, 0); });
    return reel_step(c, [=] { jacobian(x); });
  });
}

const bool transforms =
    add_mlp("func_call", [](const Mlp& f, const Tensor& x) { return [=] { f(x); }; }) &&
    add_mlp("func_vjp",
            [](const Mlp& f, const Tensor& x) {
              return [=, dy = randn({x.size(0), 10})] { func::vjp(f, x).second(dy); };
            }) &&
    add_mlp("func_jvp",
            [](const Mlp& f, const Tensor& x) {
              return [=, v = randn_like(x)] { func::jvp(f, x, v); };
            }) &&
    add_mlp("func_pullback",
            [](const Mlp& f, const Tensor& x) {
              return [pull = func::vjp(f, x).second, dy = randn({x.size(0), 10})] { pull(dy); };
            }) &&
    add_mlp("func_linear_map",
            [](const Mlp& f, const Tensor& x) {
              return [map = func::linearize(f, x).second, v = randn_like(x)] { map(v); };
            }) &&
    add_gradients("func_vmap_grad", Mlp{}, together) &&
    add_gradients("func_loop_grad", Mlp{}, one_by_one) &&
    add_gradients("func_vmap_grad_small", Mlp{.in = 32, .width = 32}, together) &&
    add_gradients("func_loop_grad_small", Mlp{.in = 32, .width = 32}, one_by_one) &&
    add_jacobian("func_jacrev", [](auto f) { return func::jacrev(f); }) &&
    add_jacobian("func_jacfwd", [](auto f) { return func::jacfwd(f); }) &&
    add_jacobian("func_hessian", [](auto f) {
      return func::hessian([f](const Tensor& x) { return square(f(x)).sum(); });
    });

}  // namespace
}  // namespace bench
