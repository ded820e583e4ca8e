#pragma once

#include <memory>

#include "reel/nn/detail/call.h"
#include "reel/nn/detail/completed.h"
#include "reel/ops/create/random.h"

namespace reel::nn {

struct Dropout;
template <>
REEL_API void detail::complete(Dropout& layer);

/// In training sets each number to zero with probability `p` and scales the others by `1 / (1 -
/// p)`; in evaluation returns its input. Draws from the default generator unless given its own.
/// Srivastava et al., "Dropout", 2014; follows `torch.nn.Dropout`.
///
/// Throws `[Dropout] expected p in [0, 1], got ...`.
struct Dropout {
  double p = 0.5;                                  ///< how likely each number is dropped
  std::shared_ptr<Generator> generator = nullptr;  ///< its own; the default one unless given
  bool training = true;  ///< which mode it is in: set by `nn::train` and `nn::eval`
  Hooks hooks = {};      ///< see `nn::Hooks`
  detail::Completed<Dropout> completed = {};

  /// `[..]` -> `[..]`.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this,
        [&] {
          return generator != nullptr ? dropout(x, p, training, *generator)
                                      : dropout(x, p, training);
        },
        x);
  }
};

}  // namespace reel::nn
