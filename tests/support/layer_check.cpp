#include "support/layer_check.h"

#include <doctest/doctest.h>

#include "reel/autograd/gradcheck.h"
#include "reel/autograd/tape.h"
#include "reel/nn/summary.h"
#include "reel/ops/create/create.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"
#include "support/compare.h"

namespace reel::testing {
namespace layer {
namespace {

Tensor sample(const Shape& shape, DType dtype) {
  Generator generator(7);
  return randn(shape, generator, {.dtype = dtype});
}

/// Puts other tensors in the place of a module's parameters, in order.
class Replace final : public nn::detail::Visitor {
 public:
  Replace(const std::vector<Tensor>& values, std::size_t first) : values_(values), next_(first) {}
  void tensor(const Tensor& tensor, nn::detail::TensorKind kind) override {
    if (kind == nn::detail::TensorKind::parameter) const_cast<Tensor&>(tensor) = values_[next_++];
  }

 private:
  const std::vector<Tensor>& values_;
  std::size_t next_;
};

void check_shapes_and_names(const AnyLayer& layer, const LayerCheck& expected) {
  CHECK(to_string(layer(sample(expected.input, float32)).shape()) == to_string(expected.output));
  CHECK(names(nn::named_parameters(layer)) == expected.parameters);
  CHECK(names(nn::named_buffers(layer)) == expected.buffers);
  CHECK(nn::num_parameters(layer) == expected.num_parameters);
  for (const Tensor& parameter : nn::parameters(layer)) CHECK(parameter.requires_grad());
  for (const Tensor& buffer : nn::buffers(layer)) CHECK_FALSE(buffer.requires_grad());
}

void check_state(const AnyLayer& layer) {
  AnyLayer other = nn::clone(layer);
  {
    const NoGradGuard no_grad;
    for (const auto& [name, tensor] : nn::state_dict(other)) tensor.add_(1);
  }
  const StateDict state = nn::state_dict(layer);
  nn::load_state_dict(other, state);
  for (const auto& entry : nn::state_dict(other)) {
    CAPTURE(entry.first);
    CHECK(same(entry.second, state.at(entry.first)));
  }
}

void check_clone(const AnyLayer& layer, const LayerCheck& expected) {
  AnyLayer original = nn::clone(layer);
  nn::eval(original);
  const Tensor x = sample(expected.input, float32);
  const Tensor before = original(x).detach();
  AnyLayer copy = nn::clone(original);
  CHECK(same(copy(x), before));
  {
    const NoGradGuard no_grad;
    for (const auto& [name, tensor] : nn::state_dict(copy)) tensor.zero_();
  }
  CHECK(same(original(x), before));
  CHECK(same(original->any()(x), before));
  CHECK(same(nn::clone(original->any())(x), before));
}

void check_modes(const AnyLayer& layer, const LayerCheck& expected) {
  AnyLayer copy = nn::clone(layer);
  nn::eval(copy);
  const Tensor x = sample(expected.input, float32);
  CHECK(same(copy(x), copy(x)));
  CHECK(nn::summary(copy, x).find(to_string(expected.output)) != std::string::npos);
  const bool has_mode = !nn::is_training(copy);
  nn::train(copy);
  CHECK(nn::is_training(copy));
  {
    const nn::EvalGuard evaluation(copy);
    CHECK(nn::is_training(copy) == !has_mode);
  }
  CHECK(nn::is_training(copy));
}

/// A call is seen once, whoever makes it, and with what it was given.
void check_door(const AnyLayer& layer, const LayerCheck& expected) {
  AnyLayer copy = nn::clone(layer);
  const Tensor x = sample(expected.input, float32);
  const NoGradGuard no_grad;
  Calls calls(layer->type());
  copy(x);
  CHECK(calls.once(expected.output, copy->address()));
  CHECK(calls.input().is_same(x));
  copy->any()(x);
  CHECK(calls.once(expected.output));
  copy->forward_inside(x);
  CHECK(calls.once(expected.output));
}

/// Hooks of the layer run once and in order, may replace what goes in and out, go with a layer that
/// is moved and not with a copy, and see the gradients.
void check_hooks(const AnyLayer& layer, const LayerCheck& expected) {
  AnyLayer hooked = nn::clone(layer);
  nn::eval(hooked);
  const Tensor x = sample(expected.input, float32), plain = hooked(x).detach();
  std::string order;
  hooked->hook_forward(
      [&](const Tensor& given) {
        order += "a";
        return given * 1;
      },
      [&](const Tensor& given, const Tensor& y) {
        order += "b";
        CHECK_FALSE(given.is_same(x));
        return y * 2;
      });
  CHECK(same(hooked(x), plain * 2));
  CHECK(order == "ab");
  const AnyLayer copy = hooked->copy(), clone = nn::clone(hooked), moved = hooked->move();
  CHECK(same(copy(x), plain));
  CHECK(same(clone(x), plain));
  CHECK(order == "ab");
  CHECK(same(moved(x), plain * 2));
  moved->hook_backward(
      [&](const Tensor& dy) {
        CHECK(same(dy, ones(expected.output)));
        return dy * 2;
      },
      [&](const void* module, const Tensor& dx, const Tensor& dy) {
        CHECK(module == moved->address());
        CHECK(same(dy, full(expected.output, 2.0)));
        return full(dx.shape(), 5.0);
      });
  const Tensor leaf = x.clone().requires_grad_();
  const Tensor y = moved(leaf);
  if (!y.requires_grad()) return;
  y.sum().backward();
  CHECK(same(leaf.grad(), full(expected.input, 5.0)));
}

void check_dtypes(const AnyLayer& layer, const LayerCheck& expected) {
  AnyLayer copy = nn::clone(layer);
  nn::to(copy, float64);
  for (const Tensor& parameter : nn::parameters(copy)) CHECK(parameter.dtype() == float64);
  CHECK(copy(sample(expected.input, float64)).dtype() == float64);
  nn::load_state_dict(copy, [&] {
    StateDict state;
    for (const auto& [name, tensor] : nn::state_dict(layer))
      state[name] = tensor.is_floating_point() ? tensor.to(float64) : tensor;
    return state;
  }());
  nn::to(copy, float32);
  for (const auto& [name, tensor] : nn::state_dict(copy))
    CHECK(same(tensor, nn::state_dict(layer).at(name)));
}

void check_gradients(const AnyLayer& layer, const LayerCheck& expected, bool training) {
  CAPTURE(training);
  AnyLayer copy = nn::clone(layer);
  nn::to(copy, float64);
  nn::train(copy, training);
  std::vector<Tensor> inputs{sample(expected.input, float64).requires_grad_()};
  for (const Tensor& parameter : nn::parameters(copy)) inputs.push_back(parameter);
  const TensorFunction f = [&](const std::vector<Tensor>& values) -> std::vector<Tensor> {
    Replace replace(values, 1);
    nn::detail::walk(copy, replace);
    return {copy(values[0])};
  };
  const GradcheckResult first = gradcheck(f, inputs);
  CHECK_MESSAGE(first.ok, first.message);
  if (!expected.second_order) return;
  const GradcheckResult second = gradgradcheck(f, inputs);
  CHECK_MESSAGE(second.ok, second.message);
}

/// A batch of nothing gives nothing, and gradients of zero.
void check_empty_batch(const AnyLayer& layer, const LayerCheck& expected) {
  if (!expected.batch_dim) return;
  AnyLayer copy = nn::clone(layer);
  nn::eval(copy);
  Shape input = expected.input, output = expected.output;
  input[*expected.batch_dim] = output[*expected.batch_dim] = 0;
  const Tensor x = zeros(input, {.requires_grad = true});
  const Tensor y = copy(x);
  CHECK(to_string(y.shape()) == to_string(output));
  if (!y.requires_grad()) return;
  y.sum().backward();
  for (const auto& named : nn::named_parameters(copy)) {
    CAPTURE(named.first);
    const Tensor& parameter = named.second;
    if (parameter.grad().defined()) CHECK(same(parameter.grad(), zeros(parameter.shape())));
  }
}

}  // namespace
}  // namespace layer

void check_layer(const layer::AnyLayer& layer, const LayerCheck& expected) {
  layer::check_shapes_and_names(layer, expected);
  layer::check_state(layer);
  layer::check_clone(layer, expected);
  layer::check_modes(layer, expected);
  layer::check_door(layer, expected);
  layer::check_hooks(layer, expected);
  layer::check_dtypes(layer, expected);
  layer::check_empty_batch(layer, expected);
  layer::check_gradients(layer, expected, false);
  if (!expected.random_in_training) layer::check_gradients(layer, expected, true);
}

}  // namespace reel::testing
