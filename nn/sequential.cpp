#include "reel/nn/sequential.h"

#include "reel/base/fail.h"
#include "reel/nn/activation.h"
#include "reel/nn/conv.h"
#include "reel/nn/detail/describe.h"
#include "reel/nn/pool.h"

namespace reel::nn {
namespace {

/// A convolution, ReLU and max-pooling in a row.
constexpr std::size_t block_size = 3;

/// Runs those that begin at `layers`, if they do, as one op: what a layer gives would else have been
/// written before the next one is known. Null where others stand there.
template <int axes>
Tensor run_block(const AnyModule* layers, const Tensor& x) {
  const auto* conv = layers[0].as<ConvNd<axes>>();
  if (conv == nullptr || conv->padding_mode != "zeros") return {};
  const auto* pool = layers[2].as<MaxPoolNd<axes>>();
  if (pool == nullptr) return {};
  const detail::Running running(conv);
  const detail::LayerRange range(running);
  return reel::detail::conv_relu_max_pool(
      x, conv->weight, conv->bias,
      ConvOptions<axes>{conv->stride, conv->padding, conv->dilation, conv->groups},
      pool->kernel_size(), pool->options());
}

Tensor run_block(const AnyModule* layers, const Tensor& x) {
  if (layers[1].as<ReLU>() == nullptr) return {};
  // Hooks see what each layer gives.
  for (std::size_t i = 0; i < block_size; ++i)
    if (layers[i].is_watched()) return {};
  if (Tensor y = run_block<2>(layers, x); y.defined()) return y;
  if (Tensor y = run_block<1>(layers, x); y.defined()) return y;
  return run_block<3>(layers, x);
}

}  // namespace

Tensor Sequential::operator()(Tensor x) const {
  return detail::call(
      this, [&] { return run(std::move(x)); }, x);
}

Tensor Sequential::run(Tensor x) const {
  for (std::size_t i = 0; i < size();) {
    if (i + block_size <= size()) {
      if (Tensor y = run_block(&layers_[i], x); y.defined()) {
        x = std::move(y);
        i += block_size;
        continue;
      }
    }
    x = layers_[i++](std::move(x));
  }
  return x;
}

std::size_t detail::layer_index(Size index, std::size_t size) {
  const auto count = static_cast<Size>(size);
  check(index >= -count && index < count, "Sequential", "expected a layer in [{}, {}), got {}",
        -count, count, index);
  return static_cast<std::size_t>(index < 0 ? index + count : index);
}

void detail::wrong_layer(Size index, std::string_view wanted, std::string_view got) {
  fail("Sequential", "expected layer {} to be a {}, got {}", index, short_type(wanted),
       short_type(got));
}

}  // namespace reel::nn
