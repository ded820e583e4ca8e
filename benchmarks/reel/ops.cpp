// Single operations, forward off the tape unless the name says backward.

#include "reel_side.h"

namespace bench {
namespace {

using namespace reel;

/// `f(x)` on n elements.
template <class F>
bool add_unary(const std::string& what, F f) {
  return add_reel(what, [f](const Case& c) {
    return reel_step_no_grad(c, [f, x = randn({c.size})] { f(x); });
  });
}

/// `f(x, y)` on n elements each.
template <class F>
bool add_binary(const std::string& what, F f) {
  return add_reel(what, [f](const Case& c) {
    return reel_step_no_grad(c, [f, x = randn({c.size}), y = randn({c.size})] { f(x, y); });
  });
}

Tensor random_matrix(const Case& c) { return randn({c.size / columns(c.size), columns(c.size)}); }

/// `f(x)` on a matrix of n elements.
template <class F>
bool add_matrix(const std::string& what, F f) {
  return add_reel(what, [f](const Case& c) {
    return reel_step_no_grad(c, [f, x = random_matrix(c)] { f(x); });
  });
}

/// Forward and backward: `f` of the inputs, their gradients from a given one of the output.
template <class F>
Step differentiated(const Case& c, F f, const std::vector<Tensor>& inputs) {
  for (const Tensor& input : inputs) input.requires_grad_();
  const Tensor dy = rand_like(inputs[0]);
  return reel_step(c, [=] {
    for (const Tensor& input : inputs) input.set_grad({});
    f(inputs).backward({.gradient = dy});
  });
}

// Chains, as one op (`fuse`) and as so many.
constexpr auto chain8 = [](const auto& x, const auto& y) {
  return abs((relu(x * 2 + 1) * y - x) * 0.5 + y);
};
constexpr auto gate = [](const auto& a, const auto& b, const auto& c) { return tanh(a * b + c); };

template <class F>
bool add_gate(const std::string& what, F f) {
  return add_reel(what, [f](const Case& c) {
    return differentiated(c, [f](const auto& in) { return f(in[0], in[1], in[2]); },
                          {randn({c.size}), randn({c.size}), randn({c.size})});
  });
}

const bool elementwise =
    add_binary("add", [](const Tensor& x, const Tensor& y) { return x + y; }) &&
    add_binary("mul", [](const Tensor& x, const Tensor& y) { return x * y; }) &&
    add_unary("exp", [](const Tensor& x) { return exp(x); }) &&
    add_unary("tanh", [](const Tensor& x) { return tanh(x); }) &&
    add_unary("relu", [](const Tensor& x) { return relu(x); }) &&
    add_unary("gelu", [](const Tensor& x) { return gelu(x); }) &&
    add_unary("sigmoid", [](const Tensor& x) { return sigmoid(x); }) &&
    add_binary("chain8", fuse(chain8)) && add_binary("chain8_unfused", chain8) &&
    add_gate("tanh(ab+c)_backward", fuse(gate)) && add_gate("tanh(ab+c)_unfused_backward", gate);

const bool matrices =
    add_reel("add_row",
             [](const Case& c) {
               return reel_step_no_grad(
                   c, [x = random_matrix(c), y = randn({columns(c.size)})] { x + y; });
             }) &&
    add_reel("add_column",
             [](const Case& c) {
               return reel_step_no_grad(
                   c, [x = random_matrix(c), y = randn({c.size / columns(c.size), 1})] { x + y; });
             }) &&
    add_matrix("sum", [](const Tensor& x) { return x.sum(); }) &&
    add_matrix("sum_rows", [](const Tensor& x) { return x.sum({0}); }) &&
    add_matrix("sum_columns", [](const Tensor& x) { return x.sum({1}); }) &&
    add_matrix("max", [](const Tensor& x) { return x.max(); }) &&
    add_matrix("argmax", [](const Tensor& x) { return x.argmax(1); }) &&
    add_matrix("softmax", [](const Tensor& x) { return x.softmax(1); }) &&
    add_matrix("transpose", [](const Tensor& x) { return x.t().contiguous(); }) &&
    add_matrix(
        "slice_rows",
        [](const Tensor& x) { return x.slice(0, x.size(0) / 4, 3 * x.size(0) / 4).clone(); }) &&
    add_matrix("slice_columns",
               [](const Tensor& x) { return x.slice(1, {}, {}, 2).contiguous(); }) &&
    add_reel("softmax_backward",
             [](const Case& c) {
               return differentiated(c, [](const auto& in) { return in[0].softmax(1); },
                                     {random_matrix(c)});
             }) &&
    add_reel("layer_norm_backward", [](const Case& c) {
      const Size width = columns(c.size);
      return differentiated(
          c, [width](const auto& in) { return layer_norm(in[0], {width}, in[1], in[2]); },
          {random_matrix(c), rand({width}), rand({width})});
    });

/// A step of an optimizer with its defaults on n parameters.
template <class O>
bool add_optimizer(const std::string& what) {
  return add_reel(what, [](const Case& c) {
    const Tensor p = randn({c.size}).requires_grad_();
    p.set_grad(randn({c.size}));
    return reel_step(
        c, [optimizer = std::make_shared<O>(std::vector<Tensor>{p})] { optimizer->step(); });
  });
}

const bool optimizers =
    add_optimizer<optim::SGD>("sgd_step") && add_optimizer<optim::Adam>("adam_step") &&
    add_optimizer<optim::Adagrad>("adagrad_step") &&
    add_optimizer<optim::RMSprop>("rmsprop_step") && add_optimizer<optim::Lion>("lion_step");

const bool products = add_reel("matmul", [](const Case& c) {
  const Tensor a = randn({c.size, c.size}), b = randn({c.size, c.size});
  return reel_step_no_grad(c, [=] { matmul(a, b); });
});

bool add_conv(const std::string& name, Size in, Size side, Size out) {
  const auto images = [=](const Case& c) { return random_images(c.size, in, side); };
  return add_reel(name + "_forward",
                  [=](const Case& c) {
                    const Tensor x = images(c), w = randn({out, in, 3, 3}), b = randn({out});
                    return reel_step_no_grad(c, [=] { conv2d(x, w, b, {.padding = 1}); });
                  }) &&
         add_reel(name + "_backward", [=](const Case& c) {
           const Tensor x = images(c), w = randn({out, in, 3, 3}).requires_grad_();
           const Tensor b = randn({out}).requires_grad_();
           std::vector<Tensor> inputs{w, b};
           if (in > 1) inputs.push_back(x.requires_grad_());  // pictures need no gradient
           const Tensor y = conv2d(x, w, b, {.padding = 1});
           const GradOptions options{.grad_outputs = {random_images(c.size, out, side)},
                                     .retain_graph = true};
           return reel_step(c, [=] { grad({y}, inputs, options); });
         });
}

const bool convolutions = add_conv("conv_1x28-32", 1, 28, 32) &&
                          add_conv("conv_32x14-64", 32, 14, 64) &&
                          add_conv("conv_64x32-64", 64, 32, 64);

Tensor scalar_chain(const Tensor& w, const Tensor& b) {
  Tensor y = w;
  for (int i = 0; i < scalar_links; ++i) y = y * w + b;
  return y;
}

const bool overheads =
    add_reel("op_no_grad",
             [](const Case& c) {
               return reel_step_no_grad(
                   c, [w = Tensor(0.9F), b = Tensor(0.1F)] { scalar_chain(w, b); });
             }) &&
    add_reel("op_forward",
             [](const Case& c) {
               const Tensor w = rand({}).requires_grad_(), b = rand({}).requires_grad_();
               return reel_step(c, [=] { scalar_chain(w, b); });
             }) &&
    add_reel("op_forward_backward",
             [](const Case& c) {
               const Tensor w = rand({}).requires_grad_(), b = rand({}).requires_grad_();
               return reel_step(c, [=] {
                 w.set_grad({});
                 b.set_grad({});
                 scalar_chain(w, b).backward();
               });
             }) &&
    add_reel("data_loader", [](const Case& c) {
      const TensorDataset set{rand({loader_samples, 1, 28, 28}), randint(0, 10, {loader_samples})};
      const auto loader = std::make_shared<DataLoader<TensorDataset<2>>>(
          set, DataLoaderOptions{.batch_size = c.size, .shuffle = true, .seed = 1});
      return reel_step(c, [loader] {
        for (const auto& [images, labels] : *loader) static_cast<void>(images);
      });
    });

}  // namespace
}  // namespace bench
