#include "reel/nn/init.h"

#include <cmath>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/ops/create/create.h"
#include "reel/ops/matmul/matmul.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"

namespace reel::nn {
namespace init {
namespace {

void check_floating(const char* op, const Tensor& tensor) {
  check(tensor.is_floating_point(), op, "expected a floating-point tensor, got dtype {}",
        tensor.dtype());
}

std::pair<Size, Size> fans(const char* op, const Tensor& weight) {
  check(weight.dim() >= 2, op,
        "expected a weight of two or more dimensions [out, in, ...], got shape {}", weight.shape());
  Size field = 1;
  for (Size d = 2; d < weight.dim(); ++d) field *= weight.size(d);
  return {weight.size(1) * field, weight.size(0) * field};
}

double fan_of(const char* op, const Tensor& tensor, FanMode mode) {
  check_floating(op, tensor);
  const auto [fan_in, fan_out] = fans(op, tensor);
  return static_cast<double>(mode == FanMode::fan_in ? fan_in : fan_out);
}

double kaiming_std(const char* op, const Tensor& tensor, const KaimingOptions& options) {
  return calculate_gain(options.nonlinearity, options.a) /
         std::sqrt(fan_of(op, tensor, options.mode));
}

double xavier_std(const char* op, const Tensor& tensor, double gain) {
  return gain * std::sqrt(2 / (fan_of(op, tensor, FanMode::fan_in) +
                               fan_of(op, tensor, FanMode::fan_out)));
}

// Rows of `matrix` [rows, columns], rows <= columns, made orthonormal: Gram-Schmidt, done twice
// because once is not enough in floating point.
void orthonormalise(const Tensor& matrix) {
  for (Size i = 0; i < matrix.size(0); ++i) {
    const Tensor row = matrix[i], before = matrix.narrow(0, 0, i);
    for (int pass = 0; pass < 2; ++pass) row.sub_(matmul(matmul(before, row), before));
    row.div_(norm(row));
  }
}

}  // namespace

const Tensor& uniform_(const Tensor& tensor, double low, double high, Generator& generator) {
  const NoGradGuard no_grad;
  return tensor.uniform_(low, high, generator);
}

const Tensor& normal_(const Tensor& tensor, double mean, double std, Generator& generator) {
  const NoGradGuard no_grad;
  return tensor.normal_(mean, std, generator);
}

const Tensor& constant_(const Tensor& tensor, double value) {
  const NoGradGuard no_grad;
  return tensor.fill_(value);
}

const Tensor& zeros_(const Tensor& tensor) { return constant_(tensor, 0); }
const Tensor& ones_(const Tensor& tensor) { return constant_(tensor, 1); }

std::pair<Size, Size> fan_in_and_fan_out(const Tensor& weight) {
  return fans("fan_in_and_fan_out", weight);
}

double calculate_gain(Nonlinearity nonlinearity, double a) {
  switch (nonlinearity) {
    case Nonlinearity::tanh:
      return 5.0 / 3;
    case Nonlinearity::relu:
      return std::sqrt(2.0);
    case Nonlinearity::leaky_relu:
      return std::sqrt(2 / (1 + a * a));
    case Nonlinearity::selu:
      return 0.75;
    default:
      return 1;
  }
}

const Tensor& kaiming_uniform_(const Tensor& tensor, const KaimingOptions& options,
                               Generator& generator) {
  const double bound = std::sqrt(3.0) * kaiming_std("kaiming_uniform_", tensor, options);
  return tensor.numel() == 0 ? tensor : uniform_(tensor, -bound, bound, generator);
}

const Tensor& kaiming_normal_(const Tensor& tensor, const KaimingOptions& options,
                              Generator& generator) {
  const double std = kaiming_std("kaiming_normal_", tensor, options);
  return tensor.numel() == 0 ? tensor : normal_(tensor, 0, std, generator);
}

const Tensor& xavier_uniform_(const Tensor& tensor, double gain, Generator& generator) {
  const double bound = std::sqrt(3.0) * xavier_std("xavier_uniform_", tensor, gain);
  return tensor.numel() == 0 ? tensor : uniform_(tensor, -bound, bound, generator);
}

const Tensor& xavier_normal_(const Tensor& tensor, double gain, Generator& generator) {
  const double std = xavier_std("xavier_normal_", tensor, gain);
  return tensor.numel() == 0 ? tensor : normal_(tensor, 0, std, generator);
}

const Tensor& orthogonal_(const Tensor& tensor, double gain, Generator& generator) {
  check_floating("orthogonal_", tensor);
  check(tensor.dim() >= 2, "orthogonal_", "expected two or more dimensions, got shape {}",
        tensor.shape());
  if (tensor.numel() == 0) return tensor;
  const NoGradGuard no_grad;
  const Size height = tensor.size(0);
  const Size width = tensor.numel() / height;
  const Size rows = std::min(height, width);
  const Size columns = std::max(height, width);
  const Tensor matrix = empty({rows, columns}, {.dtype = float64});
  matrix.normal_(0, 1, generator);
  orthonormalise(matrix);
  matrix.mul_(gain);
  tensor.copy_((height <= width ? matrix : matrix.t()).reshape(tensor.shape()));
  return tensor;
}

}  // namespace init

Tensor detail::default_values(const Shape& shape, Size fan_in) {
  Tensor values = empty(shape);
  if (values.numel() == 0) return values;
  const double bound = fan_in > 0 ? 1 / std::sqrt(static_cast<double>(fan_in)) : 0;
  values.uniform_(-bound, bound);
  return values;
}

}  // namespace reel::nn
