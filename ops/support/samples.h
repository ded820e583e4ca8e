#pragma once

// Internal: rules of ops for tensors that stand for the samples of a vmap. An op that has one begins
// with it:
//
//   if (detail::is_batched(x)) [[unlikely]]
//     return detail::of_each_element("relu", [](const Tensor* x) { return relu(x[0]); }, {&x});
//
// and runs on all samples at once as the same op, or as others that give the same. Ops that are made
// of others need none.

#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/detail/batched.h"

namespace reel::detail {

/// A function that is called while it is there: two pointers, where `std::function` would make each
/// op that has a rule larger.
template <class Signature>
class FunctionRef;
template <class Result, class... Arguments>
class FunctionRef<Result(Arguments...)> {
 public:
  template <class F>
    requires(!std::is_same_v<F, FunctionRef>)
  FunctionRef(const F& f)
      : object_(std::addressof(f)), call_([](const void* object, Arguments... arguments) -> Result {
          return (*static_cast<const F*>(object))(std::forward<Arguments>(arguments)...);
        }) {}
  Result operator()(Arguments... arguments) const {
    return call_(object_, std::forward<Arguments>(arguments)...);
  }

 private:
  const void* object_;
  Result (*call_)(const void*, Arguments...);
};

/// The inputs of an op, seen by the innermost vmap that any of them stands for the samples of.
class Samples {
 public:
  /// Throws when that vmap has ended, which a tensor has left on another way than as a result.
  template <std::same_as<Tensor>... Tensors>
  explicit Samples(const char* op, const Tensors&... inputs) {
    (look_at(inputs), ...);
    check_running(op);
  }
  Samples(const char* op, const std::vector<Tensor>& inputs) {
    for (const Tensor& x : inputs) look_at(x);
    check_running(op);
  }

  Size count() const { return count_; }
  /// Whether there is one `x` for each sample.
  bool has(const Tensor& x) const { return is_batched(x) && batched(x).level == level_; }
  /// All samples along dimension 0 where there are any, else `x`, the same for all.
  const Tensor& all(const Tensor& x) const { return has(x) ? batched(x).all : x; }
  /// All samples along dimension 0 in any case.
  Tensor each(const Tensor& x) const;
  /// As `all`, for an op that broadcasts: samples of `rank` dimensions.
  Tensor broadcast(const Tensor& x, Size rank) const;
  /// Where dimension `dim` of a sample stands. Throws unless the sample has it.
  static Size behind(const char* op, const Tensor& x, Size dim) {
    return wrap_dim(op, dim, x.dim()) + 1;
  }
  /// A result, of which there is one for each sample along dimension 0, as one sample sees it.
  Tensor one(const Tensor& all) const { return make_batched(all, level_); }
  std::vector<Tensor> one(std::vector<Tensor> all) const;

 private:
  void look_at(const Tensor& x) {
    if (!is_batched(x) || batched(x).level <= level_) return;
    level_ = batched(x).level;
    count_ = batched(x).all.size(0);
  }
  void check_running(const char* op) const;

  Size level_ = 0, count_ = 0;
};

/// An op that calculates element by element and broadcasts. `f` is the op, of as many tensors.
[[gnu::cold]] Tensor of_each_element(const char* op, FunctionRef<Tensor(const Tensor*)> f,
                                     std::initializer_list<const Tensor*> inputs);

/// An op along some dimensions, of which it takes their list, all if it is empty; a sample without
/// dimensions is given one, of which `f` must leave nothing or 1.
[[gnu::cold]] Tensor along_dims(const char* op, FunctionRef<Tensor(const Tensor&, const Dims&)> f,
                                const Tensor& x, const Dims& dims);
/// The same for `f(x, dims, rest...)`.
template <class... Rest>
Tensor along_dims(const char* op, Tensor (*f)(const Tensor&, const Dims&, Rest...), const Tensor& x,
                  const Dims& dims, std::type_identity_t<Rest>... rest) {
  const auto with_rest = [=](const Tensor& all, const Dims& behind) {
    return f(all, behind, rest...);
  };
  return along_dims(op, FunctionRef<Tensor(const Tensor&, const Dims&)>(with_rest), x, dims);
}

/// An op along one dimension with some results; a sample without dimensions is given one, and the
/// results lose theirs, which must be of size 1.
[[gnu::cold]] std::vector<Tensor> results_along_dim(
    const char* op, FunctionRef<std::vector<Tensor>(const Tensor&, Size)> f, const Tensor& x,
    Size dim);
/// The same with one result, of `f(x, dim)`.
template <class F>
Tensor along_dim(const char* op, const F& f, const Tensor& x, Size dim) {
  const auto listed = [&](const Tensor& all, Size behind) { return std::vector{f(all, behind)}; };
  return results_along_dim(op, listed, x, dim)[0];
}

/// An op of images with `axes` dimensions of pixels, of one `[C, ..]` or of several `[N, C, ..]`: those
/// of all samples are one batch. `f` is given several.
[[gnu::cold]] std::vector<Tensor> results_of_images(
    const char* op, Size axes, FunctionRef<std::vector<Tensor>(const Tensor&)> f, const Tensor& x);
/// The same with one result, of `f(x)`.
template <class F>
Tensor of_images(const char* op, Size axes, const F& f, const Tensor& x) {
  const auto listed = [&](const Tensor& all) { return std::vector{f(all)}; };
  return results_of_images(op, axes, listed, x)[0];
}

}  // namespace reel::detail
