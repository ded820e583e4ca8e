#include "reel/ops/norm/norm.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/norm.h"
#include "reel/ops/create/create.h"
#include "reel/ops/image/channels_last.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/gradients_by.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

using detail::readable;
using detail::writable;
using kernels::ChannelMoments;
using Values = std::vector<double>;

void check_vector(const char* op, const char* name, const Tensor& vector, const Tensor& x,
                  Size count) {
  if (!vector.defined()) return;
  check(vector.shape() == Shape{count}, op, "expected {} of shape [{}] to match input {}, got {}",
        name, count, x.shape(), vector.shape());
  check(vector.dtype() == x.dtype(), op, "expected {} of the input's dtype {}, got {}", name,
        x.dtype(), vector.dtype());
}

// ---- batch norm

/// Whether two vectors that step forward through memory have an element in common.
bool share_elements(const Tensor& a, const Tensor& b) {
  if (a.impl().storage != b.impl().storage) return false;
  const auto at = [](const Tensor& x, Size i) {
    return x.impl().data + i * x.strides()[0] * item_size(x.dtype());
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
  kernels::move_running(writable(running), batch, momentum, factor);
  detail::bump_version(running, "batch_norm");
}

ChannelMoments moments_of(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                          const BatchNormOptions& o) {
  const Size channels = x.shape()[1];
  ChannelMoments m{Values(static_cast<std::size_t>(channels)), {}, o.training};
  m.inverse = m.mean;
  if (!o.training) {
    m.mean = kernels::as_doubles(readable(running_mean));
    m.inverse = kernels::as_doubles(readable(running_var));
  } else if (x.numel() > 0) {
    kernels::channel_moments(readable(x), m.mean, m.inverse);
    const auto n = static_cast<double>(x.numel() / channels);
    move_running(running_mean, m.mean, o.momentum, 1);
    move_running(running_var, m.inverse, o.momentum, n / (n - 1));
  }
  for (double& v : m.inverse) v = 1 / std::sqrt(v + o.eps);
  return m;
}

Tensor normalize(const Tensor& x, const ChannelMoments& m, const Tensor& weight,
                 const Tensor& bias) {
  const Tensor y = detail::empty_channels_last(x.shape(), x.dtype());
  if (x.numel() == 0) return y;
  kernels::normalize_channels(readable(x), m, readable(weight), readable(bias), writable(y));
  return y;
}

/// The gradients by the fused kernels, without the tape.
Gradients fused_gradients(const Tensor& x_given, const Tensor& dy_given, const Tensor& weight,
                          const ChannelMoments& m, const Needs& needs) {
  const Tensor x = detail::channels_last(x_given), dy = detail::channels_last(dy_given);
  const Size channels = x.shape()[1];
  const TensorOptions options{.dtype = x.dtype()};
  Gradients result{needs[0] ? detail::empty_channels_last(x.shape(), x.dtype()) : Tensor(),
                   needs[1] ? empty(channels, options) : Tensor(),
                   needs[2] ? empty(channels, options) : Tensor()};
  kernels::normalize_channels_backward(readable(dy), readable(x), readable(weight), m,
                                       writable(result[0]), writable(result[1]),
                                       writable(result[2]));
  return result;
}

/// The same in differentiable ops.
///
///   z = (x - mean) inverse,  db = sum dy,  dw = sum dy z,
///   dx = inverse (dz - mean(dz) - z mean(dz z))  with dz = dy w; just inverse dz where the moments
///   are constants.
Gradients plain_gradients(const Tensor& x, const Tensor& dy, const Tensor& weight,
                          const ChannelMoments& m, double eps, const Needs& needs) {
  const Dims all_but_channels = detail::all_but_channels(x.dim());
  Shape per_channel = Shape::repeat(x.dim(), 1);
  per_channel[1] = x.shape()[1];
  auto average = [&](const Tensor& v) { return mean(v, all_but_channels, true); };
  auto constant = [&](const Values& v) {
    return view(tensor(v, {.dtype = x.dtype()}), per_channel);
  };
  const Tensor center = m.of_batch ? average(x) : constant(m.mean);
  const Tensor inverse =
      m.of_batch ? rsqrt(add(average(square(sub(x, center))), eps)) : constant(m.inverse);
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

/// Layer norm of a matrix; `weight` and `bias` [columns] or undefined.
Tensor normalize_rows(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  Tensor y = empty(x.shape(), {.dtype = x.dtype()});
  Values mean(static_cast<std::size_t>(x.shape()[0])), inverse(mean);
  {
    const NoGradGuard no_grad;
    const Tensor from = contiguous(x);
    const Tensor w = weight.defined() ? contiguous(weight) : weight;
    const Tensor b = bias.defined() ? contiguous(bias) : bias;
    kernels::normalize_rows(readable(from), readable(w), readable(b), eps, writable(y), mean,
                            inverse);
  }
  return record("layer_norm", std::move(y), inputs(x, weight, bias),
                [x = save(x), w = save(weight), mean = std::move(mean),
                 inverse = std::move(inverse), eps](const Tensor& dy, const Needs& needs) {
                  return detail::gradients_by(
                      [&] { return plain_row_gradients(x, dy, w, eps, needs); },
                      [&] {
                        const Tensor from = contiguous(x), gradient = contiguous(dy);
                        const Tensor factor = w().defined() ? contiguous(w) : w;
                        const Size columns = from.shape()[1];
                        const TensorOptions options{.dtype = dy.dtype()};
                        Gradients result{empty(from.shape(), options),
                                         needs[1] ? empty(columns, options) : Tensor(),
                                         needs[2] ? empty(columns, options) : Tensor()};
                        kernels::normalize_rows_backward(
                            readable(gradient), readable(from), readable(factor), mean, inverse,
                            writable(result[0]), writable(result[1]), writable(result[2]));
                        return result;
                      },
                      dy, x(), w());
                });
}

/// The rule for the samples of a vmap: the channels of each are channels of their own.
Tensor batch_norm_of_samples(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                             const Tensor& weight, const Tensor& bias, const BatchNormOptions& o) {
  check(
      !o.training || !(running_mean.defined() || running_var.defined()), "batch_norm",
      "expected no running mean and variance in training inside vmap, whose samples would all "
      "write to them\n"
      "help: a layer without: {{.track_running_stats = false}}, or nn::eval(module), or GroupNorm");
  const detail::Samples samples("batch_norm", x, running_mean, running_var, weight, bias);
  const auto vectors = [&](const Tensor& v) {
    return v.defined() ? contiguous(flatten(samples.each(v), 0, 1)) : v;
  };
  const Tensor images = flatten(transpose(samples.each(x), 0, 1), 1, 2);
  const Tensor y = batch_norm(images, vectors(running_mean), vectors(running_var), vectors(weight),
                              vectors(bias), o);
  Shape shape = y.shape();
  shape[1] = x.size(1);
  shape.insert(1, samples.count());
  return samples.one(transpose(reshape(y, shape), 0, 1));
}

/// The rule of `f(x)`, a norm of each entry of dimension 0 alone; weight and bias are multiplied and
/// added afterwards.
template <class F>
Tensor norm_of_samples(const char* op, const F& f, const Tensor& x) {
  const detail::Samples samples(op, x);
  const Tensor& all = samples.all(x);
  return samples.one(reshape(f(flatten(all, 0, 1)), all.shape()));
}

Tensor scale_and_shift(Tensor y, const Tensor& weight, const Tensor& bias, const Shape& shape) {
  if (weight.defined()) y = mul(y, reshape(weight, shape));
  if (bias.defined()) y = add(y, reshape(bias, shape));
  return y;
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, const BatchNormOptions& o) {
  constexpr OpName op = "batch_norm";
  detail::check_defined(op, "input", x);
  check(x.dim() >= 2 && x.dim() <= 5, op,
        "expected input [N, C], [N, C, L], [N, C, H, W] or [N, C, D, H, W], got shape {}",
        x.shape());
  detail::check_floating(op, x);
  const Size channels = x.shape()[1];
  check_vector(op, "running mean", running_mean, x, channels);
  check_vector(op, "running variance", running_var, x, channels);
  check_vector(op, "weight", weight, x, channels);
  check_vector(op, "bias", bias, x, channels);
  detail::check_not_negative(op, "eps", o.eps);
  detail::check_between(op, "momentum", o.momentum, 0, 1);
  if (detail::any_batched(x, running_mean, running_var, weight, bias)) [[unlikely]]
    return batch_norm_of_samples(x, running_mean, running_var, weight, bias, o);
  if (o.training) {
    check_running(op, running_mean, running_var);
    check(channels == 0 || x.numel() != channels, op,
          "expected more than one value per channel in training, got input of shape {}", x.shape());
  } else {
    check(running_mean.defined() && running_var.defined(), op,
          "expected running mean and variance outside training, got none");
  }
  const detail::OpScope scope(op, x);
  const Tensor from = detail::channels_last(x);
  ChannelMoments moments = moments_of(from, running_mean, running_var, o);
  Tensor y = normalize(from, moments, weight, bias);
  return record(op, std::move(y), inputs(x, weight, bias),
                [x = save(x), w = save(weight), moments = std::move(moments), eps = o.eps](
                    const Tensor& dy, const Needs& needs) {
                  return detail::gradients_by(
                      [&] { return plain_gradients(x, dy, w, moments, eps, needs); },
                      [&] { return fused_gradients(x, dy, w, moments, needs); }, dy, x(), w());
                });
}

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
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
  if (detail::any_batched(x, weight, bias)) [[unlikely]] {
    if (detail::any_batched(weight, bias))
      return scale_and_shift(layer_norm(x, normalized_shape, {}, {}, eps), weight, bias,
                             normalized_shape);
    const detail::Samples samples(op, x);
    return samples.one(layer_norm(samples.all(x), normalized_shape, weight, bias, eps));
  }
  const detail::OpScope scope(op, x);
  auto flat = [&](const Tensor& v) { return v.defined() && rank > 1 ? reshape(v, columns) : v; };
  const Shape rows{x.numel() / columns, columns};
  if (x.shape() == rows) return normalize_rows(x, flat(weight), flat(bias), eps);
  return reshape(normalize_rows(reshape(x, rows), flat(weight), flat(bias), eps), x.shape());
}

Tensor group_norm(const Tensor& x, Size num_groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
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
  if (detail::is_batched(x)) [[unlikely]] {
    const auto again = [=](const Tensor& all) { return group_norm(all, num_groups, {}, {}, eps); };
    return scale_and_shift(norm_of_samples(op, again, x), weight, bias, per_channel);
  }
  const detail::OpScope scope(op, x);
  const Tensor rows = reshape(x, {x.shape()[0] * num_groups, columns});
  return scale_and_shift(reshape(normalize_rows(rows, {}, {}, eps), x.shape()), weight, bias,
                         per_channel);
}

Tensor instance_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                     const Tensor& weight, const Tensor& bias, const InstanceNormOptions& o) {
  constexpr OpName op = "instance_norm";
  detail::check_defined(op, "input", x);
  check(x.dim() >= 3 && x.dim() <= 5, op,
        "expected input [N, C, L], [N, C, H, W] or [N, C, D, H, W], got shape {}", x.shape());
  detail::check_floating(op, x);
  const Size channels = x.shape()[1];
  check_vector(op, "running mean", running_mean, x, channels);
  check_vector(op, "running variance", running_var, x, channels);
  check_vector(op, "weight", weight, x, channels);
  check_vector(op, "bias", bias, x, channels);
  detail::check_not_negative(op, "eps", o.eps);
  detail::check_between(op, "momentum", o.momentum, 0, 1);
  if (!o.use_input_stats) {
    check(running_mean.defined() && running_var.defined(), op,
          "expected running mean and variance without use_input_stats, got none");
    return batch_norm(x, running_mean, running_var, weight, bias, {.eps = o.eps});
  }
  check_running(op, running_mean, running_var);
  Dims pixels;
  Size values = 1;
  for (Size d = 2; d < x.dim(); ++d) {
    pixels.push_back(d);
    values *= x.shape()[d];
  }
  check(values > 1, op, "expected more than one value per channel and image, got input of shape {}",
        x.shape());
  if (x.shape()[0] > 0) {
    const NoGradGuard no_grad;
    const auto move = [&](const Tensor& running, const Tensor& batch) {
      running.mul_(1 - o.momentum).add_(mul(mean(batch, 0), o.momentum));
    };
    if (running_mean.defined()) move(running_mean, mean(x, pixels));
    if (running_var.defined()) move(running_var, var(x, pixels, 1));
  }
  return channels == 0 ? mul(x, 1) : group_norm(x, channels, weight, bias, o.eps);
}

}  // namespace reel
