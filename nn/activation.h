#pragma once

#include <string>

#include "reel/nn/detail/call.h"
#include "reel/ops/loss/softmax.h"
#include "reel/ops/pointwise/pointwise.h"

/// Functions as layers, for `nn::Sequential`: each maps `[..]` to the same shape and has no
/// parameters.
namespace reel::nn {

/// `max(x, 0)`. Follows `torch.nn.ReLU`.
struct ReLU {
  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return relu(x); });
  }
};

/// `x` where positive, else `negative_slope * x`. Follows `torch.nn.LeakyReLU`.
struct LeakyReLU {
  double negative_slope = 0.01;

  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return leaky_relu(x, negative_slope); });
  }
};

/// `x` where positive, else `alpha * (exp(x) - 1)`. Follows `torch.nn.ELU`.
struct ELU {
  double alpha = 1;

  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return elu(x, alpha); });
  }
};

/// `x` times the probability that a standard normal number is below it; `.approximate = "tanh"` for
/// the cheaper formula. Follows `torch.nn.GELU`.
struct GELU {
  std::string approximate = "none";

  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return gelu(x, {.approximate = approximate}); });
  }
};

/// `x * sigmoid(x)`, also called swish. Follows `torch.nn.SiLU`.
struct SiLU {
  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return silu(x); });
  }
};

/// Follows `torch.nn.Tanh`.
struct Tanh {
  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return tanh(x); });
  }
};

/// `1 / (1 + exp(-x))`. Follows `torch.nn.Sigmoid`.
struct Sigmoid {
  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return sigmoid(x); });
  }
};

/// `log(1 + exp(beta * x)) / beta`, and `x` where `beta * x > threshold`. Follows
/// `torch.nn.Softplus`.
struct Softplus {
  double beta = 1;
  double threshold = 20;

  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return softplus(x, beta, threshold); });
  }
};

/// Numbers along `dim` as probabilities. Follows `torch.nn.Softmax`, the last dimension being the
/// default. A network that ends in it needs a loss from probabilities
/// (`nn::CrossEntropyLoss{.from_logits = false}`); without it, logits and their loss are more
/// exact.
struct Softmax {
  Size dim = -1;

  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return softmax(x, dim); });
  }
};

/// Logarithms of `Softmax`, exact also where it underflows. Follows `torch.nn.LogSoftmax`.
struct LogSoftmax {
  Size dim = -1;

  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return log_softmax(x, dim); });
  }
};

}  // namespace reel::nn
