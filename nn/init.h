#pragma once

#include <utility>

#include "reel/autograd/random.h"
#include "reel/autograd/tensor.h"

/// Fills a tensor in place, unrecorded, and returns it. Names, formulas and defaults follow
/// `torch.nn.init`.
namespace reel::nn::init {

/// Uniform in `[low, high)`.
REEL_API const Tensor& uniform_(const Tensor& tensor, double low = 0, double high = 1,
                                Generator& generator = default_generator());
/// Normal with this mean and standard deviation.
REEL_API const Tensor& normal_(const Tensor& tensor, double mean = 0, double std = 1,
                               Generator& generator = default_generator());
/// Every element `value`.
REEL_API const Tensor& constant_(const Tensor& tensor, double value);
/// Every element 0.
REEL_API const Tensor& zeros_(const Tensor& tensor);
/// Every element 1.
REEL_API const Tensor& ones_(const Tensor& tensor);

/// How many inputs feed one output, or outputs are fed by one input, of a weight `[out, in, ...]`.
enum class FanMode { fan_in, fan_out };

/// What follows the layer: decides the gain.
enum class Nonlinearity { linear, sigmoid, tanh, relu, leaky_relu, selu };

/// `{fan_in, fan_out}` of a weight `[out, in, ...]`: sizes times the size of the receptive field.
/// Throws for less than two dimensions.
REEL_API std::pair<Size, Size> fan_in_and_fan_out(const Tensor& weight);

/// By how much weights are scaled so that variance survives the nonlinearity: 1 for linear and
/// sigmoid, 5/3 for tanh, sqrt(2) for relu, sqrt(2 / (1 + a^2)) for leaky relu with slope `a`,
/// 3/4 for selu.
REEL_API double calculate_gain(Nonlinearity nonlinearity, double a = 0.01);

/// What the functions of He et al. can be told.
struct KaimingOptions {
  double a = 0;                    ///< slope of the leaky relu that follows
  FanMode mode = FanMode::fan_in;  ///< which variance stays: forward (in) or backward (out)
  Nonlinearity nonlinearity = Nonlinearity::leaky_relu;  ///< what follows the layer
};

/// Uniform in +-gain * sqrt(3 / fan): He et al., "Delving deep into rectifiers", 2015.
REEL_API const Tensor& kaiming_uniform_(const Tensor& tensor, const KaimingOptions& options = {},
                                        Generator& generator = default_generator());
/// Normal with standard deviation gain / sqrt(fan).
REEL_API const Tensor& kaiming_normal_(const Tensor& tensor, const KaimingOptions& options = {},
                                       Generator& generator = default_generator());
/// Uniform in +-gain * sqrt(6 / (fan_in + fan_out)): Glorot and Bengio, "Understanding the
/// difficulty of training deep feedforward neural networks", 2010.
REEL_API const Tensor& xavier_uniform_(const Tensor& tensor, double gain = 1,
                                       Generator& generator = default_generator());
/// Normal with standard deviation gain * sqrt(2 / (fan_in + fan_out)).
REEL_API const Tensor& xavier_normal_(const Tensor& tensor, double gain = 1,
                                      Generator& generator = default_generator());

/// Orthonormal rows or columns, whichever are fewer, times `gain`: Saxe et al., "Exact solutions to
/// the nonlinear dynamics of learning in deep linear neural networks", 2013. Throws for less than
/// two dimensions.
REEL_API const Tensor& orthogonal_(const Tensor& tensor, double gain = 1,
                                   Generator& generator = default_generator());

}  // namespace reel::nn::init

namespace reel::nn::detail {

/// A new float32 tensor, uniform in +-1 / sqrt(fan_in): PyTorch's default weights, which are
/// kaiming_uniform_ with a = sqrt(5), and biases of Linear and Conv2d.
REEL_API Tensor default_values(const Shape& shape, Size fan_in);

}  // namespace reel::nn::detail
