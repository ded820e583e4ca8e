#include "reel/ops/image/conv_samples.h"

#include "reel/ops/shape/view.h"

namespace reel::detail {

Tensor conv_of_samples(const char* op, Size axes,
                       FunctionRef<Tensor(const Tensor&, const Tensor&, const Tensor&, Size)> f,
                       const Tensor& x, const Tensor& weight, const Tensor& bias, Size groups) {
  const Samples samples(op, x, weight, bias);
  if (!samples.has(weight) && !samples.has(bias)) {
    const auto again = [&](const Tensor& all) { return f(all, weight, bias, groups); };
    return of_images(op, axes, again, x);
  }
  const bool is_one = x.dim() == axes + 1;
  const Tensor all = samples.each(x);
  const Tensor images =
      is_one ? unsqueeze(flatten(all, 0, 1), 0) : flatten(transpose(all, 0, 1), 1, 2);
  const Tensor weights = flatten(samples.each(weight), 0, 1);
  const Tensor biases = bias.defined() ? flatten(samples.each(bias), 0, 1) : bias;
  const Tensor y = f(images, weights, biases, groups * samples.count());  // [N, samples * C, ..]
  Shape shape = y.shape();
  shape[1] /= samples.count();
  shape.insert(1, samples.count());
  const Tensor results = transpose(reshape(y, shape), 0, 1);
  return samples.one(is_one ? squeeze(results, 1) : results);
}

}  // namespace reel::detail
