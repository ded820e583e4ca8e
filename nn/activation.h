#pragma once

/// @file
/// Functions as layers, for `nn::Sequential`: but for `GLU` each maps `[..]` to the same shape, and
/// but for `PReLU` none has parameters.

#include <memory>
#include <string>
#include <utility>

#include "reel/autograd/random.h"
#include "reel/nn/detail/call.h"
#include "reel/nn/detail/completed.h"
#include "reel/nn/parameter.h"
#include "reel/nn/required.h"
#include "reel/ops/loss/softmax.h"
#include "reel/ops/pointwise/pointwise.h"

namespace reel::nn {

/// `max(x, 0)`. Follows `torch.nn.ReLU`.
struct ReLU {
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(Tensor x) const {
    return detail::call(
        this, [&] { return relu(std::move(x)); }, x);
  }
};

/// `x` where positive, else `negative_slope * x`. Follows `torch.nn.LeakyReLU`.
struct LeakyReLU {
  double negative_slope = 0.01;  ///< the slope below 0
  Hooks hooks = {};              ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return leaky_relu(x, negative_slope); }, x);
  }
};

/// `x` where positive, else `alpha * (exp(x) - 1)`. Follows `torch.nn.ELU`.
struct ELU {
  double alpha = 1;  ///< far below 0 it tends to -alpha
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return elu(x, alpha); }, x);
  }
};

/// `x` times the probability that a standard normal number is below it; `.approximate = "tanh"` for
/// the cheaper formula. Follows `torch.nn.GELU`.
struct GELU {
  std::string approximate = "none";  ///< or "tanh"
  Hooks hooks = {};                  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return gelu(x, {.approximate = approximate}); }, x);
  }
};

/// `x * sigmoid(x)`, also called swish. Follows `torch.nn.SiLU`.
struct SiLU {
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return silu(x); }, x);
  }
};

/// The hyperbolic tangent. Follows `torch.nn.Tanh`.
struct Tanh {
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return tanh(x); }, x);
  }
};

/// `1 / (1 + exp(-x))`. Follows `torch.nn.Sigmoid`.
struct Sigmoid {
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return sigmoid(x); }, x);
  }
};

/// `log(1 + exp(beta * x)) / beta`, and `x` where `beta * x > threshold`. Follows
/// `torch.nn.Softplus`.
struct Softplus {
  double beta = 1;        ///< how sharply it bends
  double threshold = 20;  ///< from here on it is the identity
  Hooks hooks = {};       ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return softplus(x, beta, threshold); }, x);
  }
};

/// `x` where positive, else `alpha * (exp(x / alpha) - 1)`. Follows `torch.nn.CELU`.
struct CELU {
  double alpha = 1;  ///< far below 0 it tends to -alpha
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return celu(x, alpha); }, x);
  }
};

/// `elu` with the two numbers that keep mean and variance. Follows `torch.nn.SELU`.
struct SELU {
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return selu(x); }, x);
  }
};

/// `x * tanh(softplus(x))`. Follows `torch.nn.Mish`.
struct Mish {
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return mish(x); }, x);
  }
};

/// `log(sigmoid(x))`, exact also where sigmoid underflows. Follows `torch.nn.LogSigmoid`.
struct LogSigmoid {
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return logsigmoid(x); }, x);
  }
};

/// `x / (1 + |x|)`. Follows `torch.nn.Softsign`.
struct Softsign {
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return softsign(x); }, x);
  }
};

/// `(x + 3) / 6` between 0 and 1. Follows `torch.nn.Hardsigmoid`.
struct Hardsigmoid {
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return hardsigmoid(x); }, x);
  }
};

/// `x * hardsigmoid(x)`. Follows `torch.nn.Hardswish`.
struct Hardswish {
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return hardswish(x); }, x);
  }
};

/// `x` between two bounds. Follows `torch.nn.Hardtanh`.
struct Hardtanh {
  double min_val = -1;  ///< the least result
  double max_val = 1;   ///< the largest result
  Hooks hooks = {};     ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return hardtanh(x, min_val, max_val); }, x);
  }
};

/// `x` between 0 and 6. Follows `torch.nn.ReLU6`.
struct ReLU6 {
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return relu6(x); }, x);
  }
};

/// `x` above `threshold`, else `value`. Follows `torch.nn.Threshold`.
struct Threshold {
  Required<double> threshold;  ///< from here on down numbers are replaced
  Required<double> value;      ///< by this one
  Hooks hooks = {};            ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return reel::threshold(x, threshold, value); }, x);
  }
};

/// `x` brought nearer to 0 by `lambd`, 0 within it. Follows `torch.nn.Softshrink`.
struct Softshrink {
  double lambd = 0.5;  ///< by how much, 0 or more
  Hooks hooks = {};    ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return softshrink(x, lambd); }, x);
  }
};

/// `x` where it is further from 0 than `lambd`, else 0. Follows `torch.nn.Hardshrink`.
struct Hardshrink {
  double lambd = 0.5;  ///< how far from 0 numbers are kept
  Hooks hooks = {};    ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return hardshrink(x, lambd); }, x);
  }
};

/// `x - tanh(x)`. Follows `torch.nn.Tanhshrink`.
struct Tanhshrink {
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return tanhshrink(x); }, x);
  }
};

/// `x` where positive, else `x` times a slope drawn for each element in training, in evaluation
/// times the mean slope. Draws from the default generator unless given its own. Follows
/// `torch.nn.RReLU`.
struct RReLU {
  double lower = 1. / 8;                           ///< the least slope below 0
  double upper = 1. / 3;                           ///< the largest
  std::shared_ptr<Generator> generator = nullptr;  ///< its own; the default one unless given
  bool training = true;  ///< which mode it is in: set by `nn::train` and `nn::eval`
  Hooks hooks = {};      ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this,
        [&] {
          const RReLUOptions options{.lower = lower, .upper = upper, .training = training};
          return generator != nullptr ? rrelu(x, options, *generator) : rrelu(x, options);
        },
        x);
  }
};

struct PReLU;
template <>
REEL_API void detail::complete(PReLU& layer);

/// `x` where positive, else `weight * x` with a slope that is learned, one for all or one for each
/// channel. Follows `torch.nn.PReLU`.
///
/// Throws `[PReLU] expected ...` when a size is below 1 or a given weight has another shape.
struct PReLU {
  Size num_parameters = 1;  ///< 1, or the number of channels
  double init = 0.25;       ///< where all slopes start
  Parameter weight = {};    ///< `[num_parameters]`
  Hooks hooks = {};         ///< see `nn::Hooks`
  detail::Completed<PReLU> completed = {};

  /// `[N, C, ..]` or `[C]` -> the same shape; any shape with one parameter.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return prelu(x, weight); }, x);
  }
};

/// The first half along `dim`, times the sigmoid of the second. Follows `torch.nn.GLU`.
struct GLU {
  Size dim = -1;     ///< below 0 it counts from the end
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[.., 2 n, ..]` -> `[.., n, ..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return glu(x, dim); }, x);
  }
};

/// Numbers along `dim` as probabilities. Follows `torch.nn.Softmax`, the last dimension being the
/// default. A network that ends in it needs a loss from probabilities
/// (`nn::CrossEntropyLoss{.from_logits = false}`); without it, logits and their loss are more
/// exact.
struct Softmax {
  Size dim = -1;     ///< below 0 it counts from the end
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return softmax(x, dim); }, x);
  }
};

/// Logarithms of `Softmax`, exact also where it underflows. Follows `torch.nn.LogSoftmax`.
struct LogSoftmax {
  Size dim = -1;     ///< below 0 it counts from the end
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return log_softmax(x, dim); }, x);
  }
};

/// `Softmax` of `-x`. Follows `torch.nn.Softmin`, the last dimension being the default.
struct Softmin {
  Size dim = -1;     ///< below 0 it counts from the end
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return softmin(x, dim); }, x);
  }
};

/// The channels of each place of an image as probabilities. Follows `torch.nn.Softmax2d`.
///
/// Throws `[Softmax2d] expected ...` unless there are three or four dimensions.
struct Softmax2d {
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `[N, C, H, W]` or `[C, H, W]` -> the same shape.
  REEL_API Tensor operator()(const Tensor& x) const;
};

}  // namespace reel::nn
