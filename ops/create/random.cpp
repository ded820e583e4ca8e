#include "reel/ops/create/random.h"

#include <cmath>
#include <concepts>
#include <limits>
#include <numeric>
#include <utility>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/random.h"
#include "reel/ops/create/create.h"
#include "reel/ops/index/index.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/join.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

using detail::readable;
using detail::writable;

/// What `draw` draws inside a vmap, as its randomness says: numbers for all samples, whose number is
/// then the first dimension, or the same for each.
Tensor draw_in_vmap(const char* op, detail::FunctionRef<Tensor(std::optional<Size>)> draw) {
  const detail::VmapFrame& vmap = *detail::innermost_vmap;
  check(vmap.randomness != detail::Randomness::error, op,
        "expected to be told what random numbers are inside vmap, the same for each sample or "
        "different\n"
        "help: vmap(f, {{.randomness = \"different\"}}), or \"same\"");
  const detail::OutsideVmap outside;
  if (vmap.randomness == detail::Randomness::same) return draw(std::nullopt);
  return detail::make_batched(draw(vmap.samples), vmap.level);
}

/// The same for numbers of a shape.
template <class Draw>
Tensor draw_in_vmap(const char* op, const Shape& shape, const Draw& draw) {
  return draw_in_vmap(op, [&](std::optional<Size> samples) {
    Shape all = shape;
    if (samples) all.insert(0, *samples);
    return draw(all);
  });
}

kernels::RandomStream take(Generator& generator, Size n, Size numbers_per_group) {
  const Generator::State at = generator.take(kernels::blocks_for(n, numbers_per_group));
  return {at.seed, at.offset};
}

const Tensor& finish(const Tensor& made, const TensorOptions& options) {
  if (options.requires_grad) made.requires_grad_();
  return made;
}

/// Fills dense memory in the order in which it lies.
void fill_uniform(const Tensor& out, double low, double high, Generator& generator) {
  const Size per_group = out.dtype() == float32 ? kernels::group_words : kernels::group_longs;
  kernels::uniform(take(generator, out.numel(), per_group), low, high, writable(out));
}

void fill_normal(const Tensor& out, double mean, double std, Generator& generator) {
  kernels::normal(take(generator, out.numel(), kernels::group_longs), mean, std, writable(out));
}

/// Throws unless the dtype holds every integer from `least` to `most`.
void check_holds(const char* op, DType dtype, Size least, Size most) {
  const auto [low, high] = with_dtype(dtype, []<class T>(T) {
    using Limits = std::numeric_limits<T>;
    if constexpr (std::floating_point<T>) {
      constexpr Size whole = Size{1} << Limits::digits;
      return std::pair{-whole, whole};
    } else {
      return std::pair<Size, Size>{Limits::min(), Limits::max()};
    }
  });
  check(least >= low && most <= high, op,
        "expected integers that {} holds, in [{}, {}], got {} to {}", dtype, low, high, least,
        most);
}

Tensor make_randint(const Shape& shape, Size low, Size high, DType dtype, Generator& generator) {
  if (detail::innermost_vmap != nullptr) [[unlikely]] {
    return draw_in_vmap("randint", shape, [&](const Shape& all) {
      return make_randint(all, low, high, dtype, generator);
    });
  }
  const detail::OpScope scope("randint");
  check(low < high, "randint", "expected low < high, got low {} and high {}", low, high);
  check_holds("randint", dtype, low, high - 1);
  const auto range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  const Tensor made = empty(shape, {.dtype = int64});
  kernels::integers(take(generator, made.numel(), kernels::group_longs), low, range,
                    writable(made));
  return made.to(dtype);
}

void check_normal(const char* op, double mean, double std) {
  detail::check_finite(op, "mean", mean);
  detail::check_not_negative(op, "standard deviation", std);
}

void check_floating(const char* op, DType dtype) {
  check(is_floating(dtype), op, "expected a floating-point dtype, got {}", dtype);
}

/// Checks that `x` may be overwritten, and calls `fill` on it, or on a dense stand-in copied to it.
template <class Fill>
const Tensor& fill_in_place(OpName op, const Tensor& x, const Fill& fill) {
  detail::check_defined(op, "input", x);
  const detail::OpScope scope(op, x);
  check_floating(op, x.dtype());
  check_in_place(op, x);
  check(detail::innermost_vmap == nullptr ||
            detail::innermost_vmap->randomness == detail::Randomness::same,
        op, "expected vmap(f, {{.randomness = \"same\"}}) around what fills a tensor in place");
  if (detail::is_dense(x.shape(), x.strides())) {
    fill(x);
  } else {
    const NoGradGuard no_grad;
    const Tensor dense = empty(x.shape(), {.dtype = x.dtype()});
    fill(dense);
    x.copy_(dense);
  }
  return record_in_place(op, x);
}

template <class Fill>
Tensor make(const char* op, const Shape& shape, const TensorOptions& options, const Fill& fill) {
  if (detail::innermost_vmap != nullptr) [[unlikely]] {
    return draw_in_vmap(op, shape, [&](const Shape& all) { return make(op, all, options, fill); });
  }
  const detail::OpScope scope(op);
  const Tensor made = empty(shape, {.dtype = options.dtype});
  check_floating(op, made.dtype());
  fill(made);
  return finish(made, options);
}

TensorOptions options_like(const Tensor& like, TensorOptions options) {
  if (!options.dtype) options.dtype = like.dtype();
  return options;
}

/// Dropout with the numbers from `at` on, element by element in the memory order of `strides`.
/// Linear in x, so that it is its own derivative.
Tensor dropout_at(const Tensor& x, double p, kernels::RandomStream at, const Strides& strides) {
  const detail::OpScope scope("dropout", x);
  Tensor dense = x;
  if (x.strides() != strides) {
    dense = detail::empty_strided(x.shape(), strides, x.dtype());
    dense.copy_(x.detach());
  }
  Tensor out = detail::empty_strided(x.shape(), strides, x.dtype());
  kernels::dropout(at, p, readable(dense), writable(out));
  return record("dropout", std::move(out),
                wrt(x, [=](const Tensor& dy) { return dropout_at(dy, p, at, strides); }));
}

}  // namespace

Tensor rand(const Shape& shape, const TensorOptions& options) {
  return rand(shape, default_generator(), options);
}

Tensor rand(const Shape& shape, Generator& generator, const TensorOptions& options) {
  return make("rand", shape, options,
              [&](const Tensor& out) { fill_uniform(out, 0, 1, generator); });
}

Tensor randn(const Shape& shape, const TensorOptions& options) {
  return randn(shape, default_generator(), options);
}

Tensor randn(const Shape& shape, Generator& generator, const TensorOptions& options) {
  return make("randn", shape, options,
              [&](const Tensor& out) { fill_normal(out, 0, 1, generator); });
}

Tensor normal(double mean, double std, const Shape& shape, const TensorOptions& options) {
  return normal(mean, std, shape, default_generator(), options);
}

Tensor normal(double mean, double std, const Shape& shape, Generator& generator,
              const TensorOptions& options) {
  check_normal("normal", mean, std);
  return make("normal", shape, options,
              [&](const Tensor& out) { fill_normal(out, mean, std, generator); });
}

Tensor randint(Size high, const Shape& shape, const TensorOptions& options) {
  return randint(0, high, shape, default_generator(), options);
}

Tensor randint(Size high, const Shape& shape, Generator& generator, const TensorOptions& options) {
  return randint(0, high, shape, generator, options);
}

Tensor randint(Size low, Size high, const Shape& shape, const TensorOptions& options) {
  return randint(low, high, shape, default_generator(), options);
}

Tensor randint(Size low, Size high, const Shape& shape, Generator& generator,
               const TensorOptions& options) {
  return finish(make_randint(shape, low, high, options.dtype.value_or(int64), generator), options);
}

Tensor randperm(Size n, const TensorOptions& options) {
  return randperm(n, default_generator(), options);
}

Tensor randperm(Size n, Generator& generator, const TensorOptions& options) {
  if (detail::innermost_vmap != nullptr) [[unlikely]] {
    return draw_in_vmap("randperm", [&](std::optional<Size> samples) {
      if (!samples) return randperm(n, generator, options);
      std::vector<Tensor> each;
      for (Size i = 0; i < *samples; ++i) each.push_back(randperm(n, generator, options));
      return stack(each);
    });
  }
  const detail::OpScope scope("randperm");
  check(n >= 0, "randperm", "expected n of 0 or more, got {}", n);
  if (n > 0) check_holds("randperm", options.dtype.value_or(int64), 0, n - 1);
  const Tensor made = empty(n, {.dtype = options.dtype.value_or(int64)});
  kernels::permutation(take(generator, n, kernels::group_longs), writable(made));
  return finish(made, options);
}

Tensor bernoulli(const Tensor& probabilities) {
  return bernoulli(probabilities, default_generator());
}

Tensor bernoulli(const Tensor& probabilities, Generator& generator) {
  detail::check_defined("bernoulli", "probabilities", probabilities);
  const detail::OpScope scope("bernoulli", detail::all_samples(probabilities));
  check_floating("bernoulli", probabilities.dtype());
  const Tensor p = probabilities.detach();
  const Tensor bad = !(p >= 0 && p <= 1);  // which NaN is too
  if (const Tensor& every = detail::all_samples(bad); any(every).item<bool>()) [[unlikely]] {
    fail("bernoulli", "expected probabilities in [0, 1], got {}",
         masked_select(detail::all_samples(p), every)[0].item());
  }
  const auto draw = [&](const Shape& shape) {
    return make("bernoulli", shape, {.dtype = float64},
                [&](const Tensor& out) { fill_uniform(out, 0, 1, generator); });
  };
  return (draw(p.shape()) < p).to(p.dtype());
}

Tensor rand_like(const Tensor& like, const TensorOptions& options) {
  return rand_like(like, default_generator(), options);
}

Tensor rand_like(const Tensor& like, Generator& generator, const TensorOptions& options) {
  detail::check_defined("rand_like", "like", like);
  return rand(like.shape(), generator, options_like(like, options));
}

Tensor randn_like(const Tensor& like, const TensorOptions& options) {
  return randn_like(like, default_generator(), options);
}

Tensor randn_like(const Tensor& like, Generator& generator, const TensorOptions& options) {
  detail::check_defined("randn_like", "like", like);
  return randn(like.shape(), generator, options_like(like, options));
}

Tensor randint_like(const Tensor& like, Size low, Size high, const TensorOptions& options) {
  return randint_like(like, low, high, default_generator(), options);
}

Tensor randint_like(const Tensor& like, Size low, Size high, Generator& generator,
                    const TensorOptions& options) {
  detail::check_defined("randint_like", "like", like);
  return randint(low, high, like.shape(), generator, options_like(like, options));
}

Tensor dropout(const Tensor& x, double p, bool training) {
  return dropout(x, p, training, default_generator());
}

Tensor dropout(const Tensor& x, double p, bool training, Generator& generator) {
  detail::check_between("dropout", "p", p, 0, 1);
  check_floating("dropout", detail::check_defined("dropout", "input", x).dtype());
  if (!training || p == 0) return x;
  if (detail::innermost_vmap != nullptr) [[unlikely]] {
    const Tensor kept = draw_in_vmap("dropout", x.shape(), [&](const Shape& shape) {
      return dropout(ones(shape, {.dtype = x.dtype()}), p, true, generator);
    });
    return where(kept != 0, mul(x, kept), 0);  // what is dropped may be infinite
  }
  const Strides strides = detail::is_dense(x.shape(), x.strides())
                              ? x.strides()
                              : detail::contiguous_strides(x.shape());
  return dropout_at(x, p, take(generator, x.numel(), kernels::group_words), strides);
}

const Tensor& Tensor::uniform_(double low, double high) const {
  return uniform_(low, high, default_generator());
}

const Tensor& Tensor::uniform_(double low, double high, Generator& generator) const {
  reel::check(low <= high, "uniform_", "expected low <= high, got {} and {}", low, high);
  reel::check(std::isfinite(high - low), "uniform_", "expected a finite range, got {} to {}", low,
              high);
  return fill_in_place("uniform_", *this,
                       [&](const Tensor& out) { fill_uniform(out, low, high, generator); });
}

const Tensor& Tensor::normal_(double mean, double std) const {
  return normal_(mean, std, default_generator());
}

const Tensor& Tensor::normal_(double mean, double std, Generator& generator) const {
  check_normal("normal_", mean, std);
  return fill_in_place("normal_", *this,
                       [&](const Tensor& out) { fill_normal(out, mean, std, generator); });
}

}  // namespace reel
