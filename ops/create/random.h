#pragma once

#include <vector>

#include "reel/autograd/random.h"
#include "reel/autograd/tensor.h"

namespace reel {

// Without a generator these draw from `default_generator()`. The numbers depend on the generator's
// state alone, not on the number of threads nor on the machine.

/// Numbers spread evenly over [0, 1). Throws for an integer dtype. Follows `torch.rand`.
REEL_API Tensor rand(const Shape& shape, const TensorOptions& options = {});
template <class... Sizes>
  requires detail::LooseSizes<Sizes...>
void rand(Sizes...) {
  static_assert(detail::never<Sizes...>, "write the sizes in braces: rand({2, 3})");
}
/// The same, drawn from `generator`.
REEL_API Tensor rand(const Shape& shape, Generator& generator, const TensorOptions& options = {});

/// Normal numbers of mean 0 and standard deviation 1 (Box and Muller, 1958). Throws for an integer
/// dtype. Follows `torch.randn`.
REEL_API Tensor randn(const Shape& shape, const TensorOptions& options = {});
template <class... Sizes>
  requires detail::LooseSizes<Sizes...>
void randn(Sizes...) {
  static_assert(detail::never<Sizes...>, "write the sizes in braces: randn({2, 3})");
}
/// The same, drawn from `generator`.
REEL_API Tensor randn(const Shape& shape, Generator& generator, const TensorOptions& options = {});

/// Normal numbers of the given mean and standard deviation. Throws when `std` is negative, one of
/// both not finite, or the dtype an integer one. Follows `torch.normal`.
REEL_API Tensor normal(double mean, double std, const Shape& shape,
                       const TensorOptions& options = {});
/// The same, drawn from `generator`.
REEL_API Tensor normal(double mean, double std, const Shape& shape, Generator& generator,
                       const TensorOptions& options = {});

/// Integers in `[0, high)`, all equally likely, int64 unless `options` say otherwise.
/// Throws when there is none and when the dtype does not hold them all. Follows `torch.randint`.
REEL_API Tensor randint(Size high, const Shape& shape, const TensorOptions& options = {});
/// The same, drawn from `generator`.
REEL_API Tensor randint(Size high, const Shape& shape, Generator& generator,
                        const TensorOptions& options = {});
/// Integers in `[low, high)`, in the same way.
REEL_API Tensor randint(Size low, Size high, const Shape& shape, const TensorOptions& options = {});
/// The same, drawn from `generator`.
REEL_API Tensor randint(Size low, Size high, const Shape& shape, Generator& generator,
                        const TensorOptions& options = {});

/// The integers 0 to `n - 1` in random order, int64 unless `options` say otherwise.
/// Throws when the dtype does not hold them all. Follows `torch.randperm`.
REEL_API Tensor randperm(Size n, const TensorOptions& options = {});
/// The same, drawn from `generator`.
REEL_API Tensor randperm(Size n, Generator& generator, const TensorOptions& options = {});

/// Ones with the given probabilities, zeros else, in their shape and dtype.
/// Throws when one lies outside [0, 1]. Follows `torch.bernoulli`.
REEL_API Tensor bernoulli(const Tensor& probabilities);
/// The same, drawn from `generator`.
REEL_API Tensor bernoulli(const Tensor& probabilities, Generator& generator);

/// `rand` in the shape and dtype of `like`. Follows `torch.rand_like`.
REEL_API Tensor rand_like(const Tensor& like, const TensorOptions& options = {});
/// The same, drawn from `generator`.
REEL_API Tensor rand_like(const Tensor& like, Generator& generator,
                          const TensorOptions& options = {});
/// `randn` in the shape and dtype of `like`. Follows `torch.randn_like`.
REEL_API Tensor randn_like(const Tensor& like, const TensorOptions& options = {});
/// The same, drawn from `generator`.
REEL_API Tensor randn_like(const Tensor& like, Generator& generator,
                           const TensorOptions& options = {});
/// `randint` in the shape and dtype of `like`. Follows `torch.randint_like`.
REEL_API Tensor randint_like(const Tensor& like, Size low, Size high,
                             const TensorOptions& options = {});
/// The same, drawn from `generator`.
REEL_API Tensor randint_like(const Tensor& like, Size low, Size high, Generator& generator,
                             const TensorOptions& options = {});

/// In training, sets elements to zero with probability `p` and scales the others by `1 / (1 - p)`;
/// else returns `x` itself. Keeps no mask: backward draws the same numbers again.
/// Throws when `p` is outside [0, 1].
///
/// Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR
/// 2014; follows `torch.nn.functional.dropout`.
REEL_API Tensor dropout(const Tensor& x, double p = 0.5, bool training = true);
/// The same, its mask drawn from `generator`.
REEL_API Tensor dropout(const Tensor& x, double p, bool training, Generator& generator);

}  // namespace reel
