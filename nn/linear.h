#pragma once

#include "reel/nn/detail/call.h"
#include "reel/nn/detail/completed.h"
#include "reel/nn/parameter.h"
#include "reel/nn/required.h"
#include "reel/ops/matmul/matmul.h"

namespace reel::nn {

struct Linear;
template <>
REEL_API void detail::complete(Linear& layer);

/// `y = x weight^T + bias`: `[.., in_features]` -> `[.., out_features]`. Weights and biases start
/// uniform in +-1 / sqrt(in_features). Follows `torch.nn.Linear`.
///
/// Throws `[Linear] expected ...` when a size is negative or a given tensor has another shape.
///
/// **Example**
/// ```cpp
/// nn::Linear layer{.in_features = 784, .out_features = 128};  // or nn::Linear{784, 128}
/// ```
struct Linear {
  Required<Size> in_features;   ///< how many numbers an input has
  Required<Size> out_features;  ///< how many numbers an output has
  Bias bias = true;             ///< `[out]`
  Parameter weight = {};        ///< `[out, in]`
  Hooks hooks = {};             ///< see `nn::Hooks`
  detail::Completed<Linear> completed = {};

  /// `[.., in_features]` -> `[.., out_features]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return linear(x, weight, bias); }, x);
  }
};

/// Keras' name of it, which does not compile: write `nn::Linear{in_features, out_features}`, and
/// `nn::ReLU{}` behind it.
struct Dense {
  /// Says what to write.
  template <class... Args>
  Dense(const Args&...) {
    static_assert(sizeof...(Args) == static_cast<std::size_t>(-1),
                  "Reel: nn::Dense is nn::Linear{in_features, out_features}, with an activation "
                  "such as nn::ReLU{} as the next layer");
  }
};

}  // namespace reel::nn
