#pragma once

// Internal: how samples get into arguments, and out of results.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "reel/autograd/detail/batched.h"
#include "reel/func/detail/tree.h"
#include "reel/func/vmap_options.h"

namespace reel::func::detail {

/// What `vmap` was told, checked, and how many samples it was given.
struct VmapPlan {
  std::vector<std::optional<Size>> in_dims;  // one for each argument
  reel::detail::Randomness randomness;
  Size samples;
  Size chunk;  // so many at once
};

/// Throws as `vmap` says. `arguments` are the tensors inside of each.
REEL_API VmapPlan plan_vmap(const VmapOptions& options,
                            const std::vector<std::vector<Tensor>>& arguments);

/// The samples `begin` to `begin + size` of a tensor that has them along `dim`, as the function sees
/// them that runs in the innermost vmap.
REEL_API Tensor lifted(const Tensor& x, Size dim, Size begin, Size size);
/// All samples along dimension 0 of what came out of the innermost vmap; with `is_shared` what it is
/// for all of them.
REEL_API Tensor landed(const Tensor& y, bool is_shared);
/// With dimension 0 moved to `dim`.
REEL_API Tensor with_samples_at(const Tensor& y, Size dim);

/// Result `i` of all chunks as one tensor.
REEL_API Tensor joined_chunks(const std::vector<std::vector<Tensor>>& chunks, std::size_t i);

/// Throws unless `out_dims` are as many as there are results.
REEL_API void check_out_dims(std::size_t given, std::size_t results);

/// The deep copy of anything with tensors inside, with `f` of each tensor in its place.
class Mapped final : public nn::detail::CopyMemo {
 public:
  explicit Mapped(std::function<Tensor(const Tensor&)> f) : f_(std::move(f)) {}
  Tensor tensor(const Tensor& original, TensorKind) override {
    return original.defined() ? f_(original) : original;
  }

 private:
  std::function<Tensor(const Tensor&)> f_;
};

template <class T>
std::vector<Tensor> tensors_of(const T& argument) {
  if constexpr (std::is_base_of_v<Tensor, T>) {
    return {argument};
  } else {
    TensorCollector tensors;
    visit_tensors(argument, tensors);
    return tensors.take();
  }
}

template <class T, class F>
Argument<T> mapped(const T& tree, F&& f) {
  if constexpr (std::is_base_of_v<Tensor, T>) {
    return tree.defined() ? f(tree) : tree;
  } else {
    Mapped tensors(std::forward<F>(f));
    return substitute(tree, tensors);
  }
}

/// An argument as the function sees it. What all samples share is not copied.
template <class T>
class Lifted {
 public:
  Lifted(const T& argument, std::optional<Size> dim, Size begin, Size size) : argument_(argument) {
    if (!dim) return;
    copy_.emplace(mapped(argument, [=](const Tensor& x) { return lifted(x, *dim, begin, size); }));
  }
  const Argument<T>& get() const { return copy_ ? *copy_ : argument_; }

 private:
  const T& argument_;
  std::optional<Argument<T>> copy_;
};

template <class T>
inline constexpr bool is_tuple_like = requires { std::tuple_size<T>::value; };
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

/// `f(x, dim)` of the tensors of a result, where `dim` is that of the result or, of several in a
/// tuple, pair, array or vector, that of each.
template <class R, class F>
R map_results(const R& results, const VmapDims& dims, const F& f) {
  const auto with_dim = [&](const auto& result, std::optional<Size> dim) {
    return mapped(result, [&f, dim](const Tensor& x) { return f(x, dim); });
  };
  if (!dims.is_list()) return with_dim(results, dims[0]);
  if constexpr (is_tuple_like<R>) {
    check_out_dims(dims.size(), std::tuple_size_v<R>);
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return R{with_dim(std::get<i>(results), dims[i])...};
    }(std::make_index_sequence<std::tuple_size_v<R>>{});
  } else if constexpr (is_vector<R>) {
    check_out_dims(dims.size(), results.size());
    R all;
    for (std::size_t i = 0; i < results.size(); ++i) all.push_back(with_dim(results[i], dims[i]));
    return all;
  } else {
    check_out_dims(dims.size(), 1);
    return with_dim(results, dims[0]);
  }
}

/// The samples `begin` to `begin + size`, run; results with their samples along dimension 0.
template <class Result, class F, std::size_t... i, class... Args>
Result run_samples(const VmapPlan& plan, const VmapDims& out_dims, Size begin, Size size,
                   const F& f, std::index_sequence<i...>, const Args&... args) {
  const reel::detail::VmapFrame vmap(size, plan.randomness);
  const Result result = f(Lifted<Args>(args, plan.in_dims[i], begin, size).get()...);
  return map_results(result, out_dims,
                     [](const Tensor& y, std::optional<Size> dim) { return landed(y, !dim); });
}

template <class Result, class F, class... Args>
Result vmap(const F& f, const VmapOptions& options, const Args&... args) {
  const VmapPlan plan = plan_vmap(options, {tensors_of(args)...});
  const VmapDims& out_dims = options.out_dims;
  std::vector<std::vector<Tensor>> chunks;  // the tensors of the results of each
  std::optional<Result> form;
  for (Size begin = 0; begin < plan.samples; begin += plan.chunk) {
    const Size size = std::min(plan.chunk, plan.samples - begin);
    form.emplace(run_samples<Result>(plan, out_dims, begin, size, f,
                                     std::index_sequence_for<Args...>{}, args...));
    std::vector<Tensor>& chunk = chunks.emplace_back();
    map_results(*form, out_dims, [&](const Tensor& y, std::optional<Size>) {
      chunk.push_back(y);
      return y;
    });
  }
  std::size_t next = 0;
  return map_results(*form, out_dims, [&](const Tensor& y, std::optional<Size> dim) {
    const std::size_t i = next++;
    return dim ? with_samples_at(joined_chunks(chunks, i), *dim) : y;
  });
}

}  // namespace reel::func::detail
