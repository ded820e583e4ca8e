// The cases of ../reel/ops.cpp in libtorch.

#include "torch_side.h"

namespace bench {
namespace {

using torch::Tensor;

template <class F>
bool add_unary(const std::string& what, F f) {
  return add_torch(what, [f](const Case& c) {
    return torch_step_no_grad(c, [f, x = torch::randn({c.size})] { f(x); });
  });
}

template <class F>
bool add_binary(const std::string& what, F f) {
  return add_torch(what, [f](const Case& c) {
    return torch_step_no_grad(
        c, [f, x = torch::randn({c.size}), y = torch::randn({c.size})] { f(x, y); });
  });
}

Tensor random_matrix(const Case& c) {
  return torch::randn({c.size / columns(c.size), columns(c.size)});
}

template <class F>
bool add_matrix(const std::string& what, F f) {
  return add_torch(what, [f](const Case& c) {
    return torch_step_no_grad(c, [f, x = random_matrix(c)] { f(x); });
  });
}

template <class F>
Step differentiated(const Case& c, F f, std::vector<Tensor> inputs) {
  for (Tensor& input : inputs) input.requires_grad_();
  const Tensor dy = torch::rand_like(inputs[0]);
  return torch_step(c, [=]() mutable {
    for (Tensor& input : inputs) input.mutable_grad() = Tensor();
    f(inputs).backward(dy);
  });
}

Tensor chain8(const Tensor& x, const Tensor& y) {
  return (((x * 2 + 1).relu() * y - x) * 0.5 + y).abs();
}

bool add_gate(const std::string& what) {
  return add_torch(what, [](const Case& c) {
    return differentiated(c, [](const auto& in) { return torch::tanh(in[0] * in[1] + in[2]); },
                          {torch::randn({c.size}), torch::randn({c.size}), torch::randn({c.size})});
  });
}

const bool elementwise =
    add_binary("add", [](const Tensor& x, const Tensor& y) { return x + y; }) &&
    add_binary("mul", [](const Tensor& x, const Tensor& y) { return x * y; }) &&
    add_unary("exp", [](const Tensor& x) { return x.exp(); }) &&
    add_unary("tanh", [](const Tensor& x) { return x.tanh(); }) &&
    add_unary("relu", [](const Tensor& x) { return x.relu(); }) &&
    add_unary("gelu", [](const Tensor& x) { return torch::gelu(x); }) &&
    add_unary("sigmoid", [](const Tensor& x) { return x.sigmoid(); }) &&
    add_binary("chain8", chain8) && add_binary("chain8_unfused", chain8) &&
    add_gate("tanh(ab+c)_backward") && add_gate("tanh(ab+c)_unfused_backward");

const bool matrices =
    add_torch("add_row",
              [](const Case& c) {
                return torch_step_no_grad(
                    c, [x = random_matrix(c), y = torch::randn({columns(c.size)})] { x + y; });
              }) &&
    add_torch("add_column",
              [](const Case& c) {
                return torch_step_no_grad(
                    c, [x = random_matrix(c), y = torch::randn({c.size / columns(c.size), 1})] {
                      x + y;
                    });
              }) &&
    add_matrix("sum", [](const Tensor& x) { return x.sum(); }) &&
    add_matrix("sum_rows", [](const Tensor& x) { return x.sum(0); }) &&
    add_matrix("sum_columns", [](const Tensor& x) { return x.sum(1); }) &&
    add_matrix("max", [](const Tensor& x) { return x.max(); }) &&
    add_matrix("argmax", [](const Tensor& x) { return x.argmax(1); }) &&
    add_matrix("softmax", [](const Tensor& x) { return x.softmax(1); }) &&
    add_matrix("transpose", [](const Tensor& x) { return x.t().contiguous(); }) &&
    add_matrix(
        "slice_rows",
        [](const Tensor& x) { return x.slice(0, x.size(0) / 4, 3 * x.size(0) / 4).clone(); }) &&
    add_matrix("slice_columns",
               [](const Tensor& x) { return x.slice(1, 0, x.size(1), 2).contiguous(); }) &&
    add_torch("softmax_backward",
              [](const Case& c) {
                return differentiated(c, [](const auto& in) { return in[0].softmax(1); },
                                      {random_matrix(c)});
              }) &&
    add_torch("layer_norm_backward", [](const Case& c) {
      const std::int64_t width = columns(c.size);
      return differentiated(
          c, [width](const auto& in) { return torch::layer_norm(in[0], {width}, in[1], in[2]); },
          {random_matrix(c), torch::rand({width}), torch::rand({width})});
    });

const bool products = add_torch("matmul", [](const Case& c) {
  const Tensor a = torch::randn({c.size, c.size}), b = torch::randn({c.size, c.size});
  return torch_step_no_grad(c, [=] { a.matmul(b); });
});

Tensor channels_last(const Tensor& x) { return x.contiguous(torch::MemoryFormat::ChannelsLast); }

bool add_conv(const std::string& name, std::int64_t in, std::int64_t side, std::int64_t out) {
  const auto images = [=](const Case& c) {
    return channels_last(torch::randn({c.size, in, side, side}));
  };
  const auto weights = [=] { return channels_last(torch::randn({out, in, 3, 3})); };
  return add_torch(name + "_forward",
                   [=](const Case& c) {
                     const Tensor x = images(c), w = weights(), b = torch::randn({out});
                     return torch_step_no_grad(c, [=] { torch::conv2d(x, w, b, 1, 1); });
                   }) &&
         add_torch(name + "_backward", [=](const Case& c) {
           Tensor x = images(c);
           const Tensor w = weights().requires_grad_(), b = torch::randn({out}).requires_grad_();
           std::vector<Tensor> inputs{w, b};
           if (in > 1) inputs.push_back(x.requires_grad_());  // pictures need no gradient
           const Tensor y = torch::conv2d(x, w, b, 1, 1);
           const Tensor dy = torch::rand_like(y);
           return torch_step(
               c, [=] { torch::autograd::grad({y}, inputs, {dy}, /*retain_graph=*/true); });
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

/// A set that gives whole batches, the fastest that libtorch's loader knows.
struct Pictures : torch::data::datasets::BatchDataset<Pictures, torch::data::Example<>,
                                                      torch::ArrayRef<std::size_t>> {
  Tensor images = torch::rand({loader_samples, 1, 28, 28});
  Tensor labels = torch::randint(0, 10, {loader_samples}, torch::kInt64);

  torch::data::Example<> get_batch(torch::ArrayRef<std::size_t> indices) override {
    const Tensor rows =
        torch::from_blob(const_cast<std::size_t*>(indices.data()),
                         {static_cast<std::int64_t>(indices.size())}, torch::kInt64);
    return {images.index_select(0, rows), labels.index_select(0, rows)};
  }
  c10::optional<std::size_t> size() const override {
    return static_cast<std::size_t>(images.size(0));
  }
};

const bool overheads =
    add_torch("op_no_grad",
              [](const Case& c) {
                return torch_step_no_grad(
                    c, [w = torch::tensor(0.9F), b = torch::tensor(0.1F)] { scalar_chain(w, b); });
              }) &&
    add_torch("op_forward",
              [](const Case& c) {
                const Tensor w = torch::rand({}).requires_grad_();
                const Tensor b = torch::rand({}).requires_grad_();
                return torch_step(c, [=] { scalar_chain(w, b); });
              }) &&
    add_torch("op_forward_backward",
              [](const Case& c) {
                const Tensor w = torch::rand({}).requires_grad_();
                const Tensor b = torch::rand({}).requires_grad_();
                return torch_step(c, [=] {
                  w.mutable_grad() = Tensor();
                  b.mutable_grad() = Tensor();
                  scalar_chain(w, b).backward();
                });
              }) &&
    add_torch("data_loader", [](const Case& c) {
      using Sampler = torch::data::samplers::RandomSampler;
      const auto options = torch::data::DataLoaderOptions().batch_size(c.size);
      const std::shared_ptr loader = torch::data::make_data_loader<Sampler>(Pictures(), options);
      return torch_step(c, [loader] {
        for (const auto& batch : *loader) static_cast<void>(batch);
      });
    });

}  // namespace
}  // namespace bench
