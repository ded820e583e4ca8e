// Transforms of functions: an MLP's products with vectors, with respect to its images, and the
// Jacobian of a small function of as many outputs as inputs, by rows and by columns.

#include "reel_side.h"

namespace bench {
namespace {

using namespace reel;

struct Mlp {
  nn::Linear hidden{784, 128}, out{128, 10};

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
    add_jacobian("func_jacrev", [](auto f) { return func::jacrev(f); }) &&
    add_jacobian("func_jacfwd", [](auto f) { return func::jacfwd(f); }) &&
    add_jacobian("func_hessian", [](auto f) {
      return func::hessian([f](const Tensor& x) { return square(f(x)).sum(); });
    });

}  // namespace
}  // namespace bench
