#include "reel/ops/norm/norm.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/norm.h"
#include "reel/ops/create/create.h"
#include "reel/ops/image/channels_last.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/pointwise/pointwise_backward.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"

namespace reel {
namespace {

using kernels::NormShape;
using Values = std::vector<double>;

Values read(const Tensor& vector, Size count, double missing) {
  Values values(static_cast<std::size_t>(count), missing);
  if (!vector.defined()) return values;
  with_floating(vector.dtype(), [&](auto zero) {
    const auto* data = vector.data_ptr<decltype(zero)>();
    for (Size i = 0; i < count; ++i) {
      values[static_cast<std::size_t>(i)] = static_cast<double>(data[i * vector.strides()[0]]);
    }
  });
  return values;
}

void write(const Tensor& vector, const Values& values) {
  with_floating(vector.dtype(), [&](auto zero) {
    using T = decltype(zero);
    auto* data = vector.data_ptr<T>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      data[static_cast<Size>(i) * vector.strides()[0]] = static_cast<T>(values[i]);
    }
  });
}

Tensor vector_of(const Values& values, DType dtype) {
  const Tensor vector = empty(static_cast<Size>(values.size()), {.dtype = dtype});
  write(vector, values);
  return vector;
}

void check_vector(const char* op, const char* name, const Tensor& vector, const Tensor& x,
                  Size count) {
  if (!vector.defined()) return;
  check(vector.shape() == Shape{count}, op, "expected {} of shape [{}] to match input {}, got {}",
        name, count, x.shape(), vector.shape());
  check(vector.dtype() == x.dtype(), op, "expected {} of the input's dtype {}, got {}", name,
        x.dtype(), vector.dtype());
}

// ---- batch norm

/// What one batch is normalised by.
struct Moments {
  Values mean, inverse;  // per channel; inverse = 1 / sqrt(var + eps)
  bool of_batch;         // else they are constants
};

NormShape channels_of(const Tensor& x) {
  const Size columns = x.shape()[1];
  return {columns == 0 ? 0 : x.numel() / columns, columns};
}

/// Whether two vectors that step forward through memory have an element in common.
bool share_elements(const Tensor& a, const Tensor& b) {
  if (a.impl().storage != b.impl().storage) return false;
  const auto at = [](const Tensor& x, Size i) {
    return static_cast<const std::byte*>(x.impl().data) + i * x.strides()[0] * item_size(x.dtype());
  };
  for (Size i = 0, j = 0; i < a.numel() && j < b.numel();) {
    if (at(a, i) == at(b, j)) return true;
    at(a, i) < at(b, j) ? ++i : ++j;
  }
  return false;
}

/// Each of the running statistics is written, so that every element needs memory of its own.
void check_running(const char* op, const Tensor& mean, const Tensor& var) {
  for (const auto& [name, running] : {std::pair{"mean", &mean}, std::pair{"variance", &var}}) {
    check(!running->defined() || running->numel() < 2 || running->strides()[0] != 0, op,
          "expected a running {} whose elements each have memory of their own, got an expanded "
          "tensor of shape {}\nhelp: clone() it first",
          name, running->defined() ? running->shape() : Shape{});
  }
  check(!mean.defined() || !var.defined() || !share_elements(mean, var), op,
        "expected running mean and variance with memory of their own, got tensors that share "
        "elements");
}

void move_running(const Tensor& running, const Values& batch, double momentum, double factor) {
  if (!running.defined()) return;
  Values values = read(running, static_cast<Size>(batch.size()), 0);
  for (std::size_t c = 0; c < batch.size(); ++c) {
    values[c] = (1 - momentum) * values[c] + momentum * factor * batch[c];
  }
  write(running, values);
  detail::bump_version(running);
}

Moments moments_of(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                   const BatchNormOptions& o) {
  const NormShape s = channels_of(x);
  Moments m{Values(static_cast<std::size_t>(s.columns)),
            Values(static_cast<std::size_t>(s.columns)), o.training};
  if (o.training && s.rows > 0) {
    kernels::column_moments(x.dtype(), s, x.impl().data, m.mean.data(), m.inverse.data());
    const auto n = static_cast<double>(s.rows);
    move_running(running_mean, m.mean, o.momentum, 1);
    move_running(running_var, m.inverse, o.momentum, n / (n - 1));
  } else if (!o.training) {
    m.mean = read(running_mean, s.columns, 0);
    m.inverse = read(running_var, s.columns, 1);
  }
  for (double& v : m.inverse) v = 1 / std::sqrt(v + o.eps);
  return m;
}

Tensor normalize(const Tensor& x, const Moments& m, const Tensor& weight, const Tensor& bias,
                 bool relu) {
  const NormShape s = channels_of(x);
  const Tensor y = detail::empty_channels_last(x.shape(), x.dtype());
  if (x.numel() == 0) return y;
  Values scale = read(weight, s.columns, 1);
  for (std::size_t c = 0; c < scale.size(); ++c) scale[c] *= m.inverse[c];
  kernels::scale_columns(x.dtype(), s, x.impl().data, m.mean.data(), scale.data(),
                         read(bias, s.columns, 0).data(), relu, y.impl().data);
  return y;
}

/// The gradients by the fused kernels, without the tape.
Gradients fused_gradients(const Tensor& x_given, const Tensor& dy_given, const Tensor& weight,
                          const Moments& m, const Needs& needs) {
  const Tensor x = detail::channels_last(x_given), dy = detail::channels_last(dy_given);
  const NormShape s = channels_of(x);
  const auto channels = static_cast<std::size_t>(s.columns);
  const void *from = x.impl().data, *gradient = dy.impl().data;
  Values sum_dy(channels), sum_dy_x(channels);
  if (x.numel() > 0 && (m.of_batch || needs[1] || needs[2])) {
    kernels::column_products(x.dtype(), s, gradient, from, m.mean.data(), sum_dy.data(),
                             sum_dy_x.data());
  }
  Gradients result(3);
  if (needs[0]) {
    result[0] = detail::empty_channels_last(x.shape(), x.dtype());
    Values of_dy = read(weight, s.columns, 1), of_x(channels), constant(channels);
    const auto n = static_cast<double>(s.rows);
    for (std::size_t c = 0; c < channels; ++c) {
      of_dy[c] *= m.inverse[c];
      if (!m.of_batch || s.rows == 0) continue;
      of_x[c] = -of_dy[c] * m.inverse[c] * m.inverse[c] * sum_dy_x[c] / n;
      constant[c] = -of_dy[c] * sum_dy[c] / n;
    }
    void* to = result[0].impl().data;
    if (m.of_batch) {
      kernels::combine_columns(x.dtype(), s, gradient, from, m.mean.data(), of_dy.data(),
                               of_x.data(), constant.data(), to);
    } else {
      kernels::scale_columns(x.dtype(), s, gradient, constant.data(), of_dy.data(), constant.data(),
                             false, to);
    }
  }
  if (needs[1]) {
    for (std::size_t c = 0; c < channels; ++c) sum_dy_x[c] *= m.inverse[c];
    result[1] = vector_of(sum_dy_x, x.dtype());
  }
  if (needs[2]) result[2] = vector_of(sum_dy, x.dtype());
  return result;
}

/// The same in differentiable ops.
///
///   z = (x - mean) inverse,  db = sum dy,  dw = sum dy z,
///   dx = inverse (dz - mean(dz) - z mean(dz z))  with dz = dy w; just inverse dz where the moments
///   are constants.
Gradients plain_gradients(const Tensor& x, const Tensor& dy, const Tensor& weight, const Moments& m,
                          double eps, const Needs& needs) {
  Dims all_but_channels;
  Shape per_channel = Shape::repeat(x.dim(), 1);
  per_channel[1] = x.shape()[1];
  for (Size d = 0; d < x.dim(); ++d) {
    if (d != 1) all_but_channels.push_back(d);
  }
  auto average = [&](const Tensor& v) { return mean(v, all_but_channels, true); };
  const Tensor center = m.of_batch ? average(x) : view(vector_of(m.mean, x.dtype()), per_channel);
  const Tensor inverse = m.of_batch ? rsqrt(add(average(square(sub(x, center))), eps))
                                    : view(vector_of(m.inverse, x.dtype()), per_channel);
  const Tensor z = mul(sub(x, center), inverse);
  Gradients result(3);
  if (needs[0]) {
    const Tensor dz = weight.defined() ? mul(dy, reshape(weight, per_channel)) : dy;
    result[0] = m.of_batch ? mul(inverse, sub(sub(dz, average(dz)), mul(z, average(mul(dz, z)))))
                           : mul(inverse, dz);
  }
  if (needs[1]) result[1] = sum(mul(dy, z), all_but_channels);
  if (needs[2]) result[2] = sum(dy, all_but_channels);
  return result;
}

Tensor batch_norm_any(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                      const Tensor& weight, const Tensor& bias, bool relu,
                      const BatchNormOptions& o) {
  const detail::OpScope scope(relu ? "batch_norm_relu" : "batch_norm", x);
  constexpr OpName op = "batch_norm";
  detail::check_defined(op, "input", x);
  check(x.dim() >= 2 && x.dim() <= 4, op,
        "expected input [N, C], [N, C, L] or [N, C, H, W], got shape {}", x.shape());
  detail::check_floating(op, x);
  const Size channels = x.shape()[1];
  check_vector(op, "running mean", running_mean, x, channels);
  check_vector(op, "running variance", running_var, x, channels);
  check_vector(op, "weight", weight, x, channels);
  check_vector(op, "bias", bias, x, channels);
  detail::check_not_negative(op, "eps", o.eps);
  detail::check_between(op, "momentum", o.momentum, 0, 1);
  if (o.training) {
    check_running(op, running_mean, running_var);
    check(channels == 0 || x.numel() != channels, op,
          "expected more than one value per channel in training, got input of shape {}", x.shape());
  } else {
    check(running_mean.defined() && running_var.defined(), op,
          "expected running mean and variance outside training, got none");
  }
  const Tensor from = detail::channels_last(x);
  Moments moments = moments_of(from, running_mean, running_var, o);
  Tensor y = normalize(from, moments, weight, bias, relu);
  auto gradients = [x = save(x), w = save(weight), moments = std::move(moments), eps = o.eps](
                       const Tensor& dy, const Needs& needs) {
    return recording(dy, x(), w()) ? plain_gradients(x, dy, w, moments, eps, needs)
                                   : fused_gradients(x, dy, w, moments, needs);
  };
  if (!relu) return record(op, std::move(y), inputs(x, weight, bias), std::move(gradients));
  return record(
      "batch_norm_relu", std::move(y), inputs(x, weight, bias),
      [gradients = std::move(gradients)](const Tensor& dy, const Tensor& out, const Needs& needs) {
        return gradients(detail::relu_backward(dy, out), needs);
      });
}

// ---- layer norm

/// The gradients of a layer norm of the rows of `x` [rows, columns] in differentiable ops; `weight`
/// [columns] or undefined. The formula is that of batch norm, with rows in the place of channels.
Gradients plain_row_gradients(const Tensor& x, const Tensor& dy, const Tensor& weight, double eps,
                              const Needs& needs) {
  auto average = [](const Tensor& v) { return mean(v, 1, true); };
  const Tensor centered = sub(x, average(x));
  const Tensor inverse = rsqrt(add(average(square(centered)), eps));
  const Tensor z = mul(centered, inverse);
  Gradients result(3);
  if (needs[0]) {
    const Tensor dz = weight.defined() ? mul(dy, weight) : dy;
    result[0] = mul(inverse, sub(sub(dz, average(dz)), mul(z, average(mul(dz, z)))));
  }
  if (needs[1]) result[1] = sum(mul(dy, z), 0);
  if (needs[2]) result[2] = sum(dy, 0);
  return result;
}

void* data_or_null(const Tensor& tensor) { return tensor.defined() ? tensor.impl().data : nullptr; }

/// Layer norm of a matrix; `weight` and `bias` [columns] or undefined.
Tensor normalize_rows(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  const NormShape s{x.shape()[0], x.shape()[1]};
  Tensor y = empty(x.shape(), {.dtype = x.dtype()});
  Values mean(static_cast<std::size_t>(s.rows)), inverse(mean);
  {
    const NoGradGuard no_grad;
    const Tensor from = contiguous(x);
    const Tensor w = weight.defined() ? contiguous(weight) : weight;
    const Tensor b = bias.defined() ? contiguous(bias) : bias;
    kernels::normalize_rows(x.dtype(), s, from.impl().data, data_or_null(w), data_or_null(b), eps,
                            y.impl().data, mean.data(), inverse.data());
  }
  return record("layer_norm", std::move(y), inputs(x, weight, bias),
                [x = save(x), w = save(weight), s, mean = std::move(mean),
                 inverse = std::move(inverse), eps](const Tensor& dy, const Needs& needs) {
                  if (recording(dy, x(), w())) return plain_row_gradients(x, dy, w, eps, needs);
                  const Tensor from = contiguous(x), gradient = contiguous(dy);
                  const Tensor factor = w().defined() ? contiguous(w) : w;
                  const TensorOptions options{.dtype = dy.dtype()};
                  Gradients result{empty(from.shape(), options),
                                   needs[1] ? empty(s.columns, options) : Tensor(),
                                   needs[2] ? empty(s.columns, options) : Tensor()};
                  kernels::normalize_rows_backward(
                      dy.dtype(), s, gradient.impl().data, from.impl().data, data_or_null(factor),
                      mean.data(), inverse.data(), result[0].impl().data, data_or_null(result[1]),
                      data_or_null(result[2]));
                  return result;
                });
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, const BatchNormOptions& options) {
  return batch_norm_any(x, running_mean, running_var, weight, bias, false, options);
}

Tensor detail::batch_norm_relu(const Tensor& x, const Tensor& running_mean,
                               const Tensor& running_var, const Tensor& weight, const Tensor& bias,
                               const BatchNormOptions& options) {
  return batch_norm_any(x, running_mean, running_var, weight, bias, true, options);
}

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  const detail::OpScope scope("layer_norm", x);
  constexpr const char* op = "layer_norm";
  detail::check_floating(op, x);
  detail::check_not_negative(op, "eps", eps);
  const Size rank = normalized_shape.size(), first = x.dim() - rank;
  check(rank >= 1 && first >= 0 &&
            std::equal(normalized_shape.begin(), normalized_shape.end(), x.shape().begin() + first),
        op, "expected input of shape [.., {}], got {}",
        fmt::join(normalized_shape.begin(), normalized_shape.end(), ", "), x.shape());
  const Size columns = normalized_shape.numel();
  check(columns > 0, op, "expected a normalized shape with elements, got {}", normalized_shape);
  for (const auto& [name, tensor] : {std::pair{"weight", &weight}, std::pair{"bias", &bias}}) {
    if (!tensor->defined()) continue;
    check(tensor->shape() == normalized_shape, op, "expected {} of shape {}, got {}", name,
          normalized_shape, tensor->shape());
    check(tensor->dtype() == x.dtype(), op, "expected {} of the input's dtype {}, got {}", name,
          x.dtype(), tensor->dtype());
  }
  auto flat = [&](const Tensor& v) { return v.defined() && rank > 1 ? reshape(v, columns) : v; };
  const Shape rows{x.numel() / columns, columns};
  if (x.shape() == rows) return normalize_rows(x, flat(weight), flat(bias), eps);
  return reshape(normalize_rows(reshape(x, rows), flat(weight), flat(bias), eps), x.shape());
}

Tensor group_norm(const Tensor& x, Size num_groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
  const detail::OpScope scope("group_norm", x);
  constexpr const char* op = "group_norm";
  detail::check_floating(op, x);
  detail::check_not_negative(op, "eps", eps);
  check(x.dim() >= 2, op, "expected input [N, C, ...], got shape {}", x.shape());
  const Size channels = x.shape()[1];
  check(num_groups >= 1 && channels > 0 && channels % num_groups == 0, op,
        "expected groups to divide the {} channels, got {}", channels, num_groups);
  check_vector(op, "weight", weight, x, channels);
  check_vector(op, "bias", bias, x, channels);
  Size positions = 1;
  Shape per_channel = Shape::repeat(x.dim(), 1);
  per_channel[1] = channels;
  for (Size d = 2; d < x.dim(); ++d) positions *= x.shape()[d];
  check(positions > 0, op, "expected input with positions, got shape {}", x.shape());
  const Size columns = channels / num_groups * positions;
  Tensor y = reshape(normalize_rows(reshape(x, {x.shape()[0] * num_groups, columns}), {}, {}, eps),
                     x.shape());
  if (weight.defined()) y = mul(y, reshape(weight, per_channel));
  if (bias.defined()) y = add(y, reshape(bias, per_channel));
  return y;
}

}  // namespace reel
