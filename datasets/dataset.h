#pragma once

/// @file
/// What a data set is. Anything with
/// ```cpp
/// Size size() const;                                 // how many samples there are
/// Sample get(Size index) const;                      // one of them: a Tensor, a number, or a
///                                                    // tuple, pair or array of these
/// ```
/// or, where a batch can be made faster than sample by sample,
/// ```cpp
/// Batch batch(std::span<const Size> indices) const;  // the same with a dimension in front
/// ```
/// is one; it derives from nothing. `batch` and `get` must be pure functions of the set and the
/// indices: a loader may call them from several threads. Copies should be cheap, as a `Tensor` is;
/// what is heavy belongs behind a `std::shared_ptr`.

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/tensor.h"
#include "reel/base/detail/error_context.h"
#include "reel/ops/create/create.h"

namespace reel {

/// A data set that hands out single samples: `auto [image, label] = set.get(3)`.
template <class D>
concept HasGet = requires(const D& set, Size index) { set.get(index); };

/// A data set that hands out batches: `auto [images, labels] = set.batch(indices)`.
template <class D>
concept HasBatch = requires(const D& set, std::span<const Size> indices) { set.batch(indices); };

/// Anything with `size()` and `get(index)` or `batch(indices)`.
template <class D>
concept Dataset = std::move_constructible<D> && (HasGet<D> || HasBatch<D>)&&requires(const D& set) {
  { set.size() } -> std::convertible_to<Size>;
};

namespace detail {

template <class T>
concept TupleLike = requires { std::tuple_size<T>::value; };

/// Entry `I` of every tuple.
template <std::size_t I, class Tuple>
auto column(const std::vector<Tuple>& tuples) {
  std::vector<std::tuple_element_t<I, Tuple>> entries;
  entries.reserve(tuples.size());
  for (const Tuple& tuple : tuples) entries.push_back(std::get<I>(tuple));
  return entries;
}

/// Throws `[op] expected an index in [0, size), got ...` unless all are.
REEL_API void check_indices(const char* op, std::span<const Size> indices, Size size);

/// A copy of the rows `indices` of a contiguous tensor, in that order.
REEL_API Tensor take_rows(const char* op, const Tensor& tensor, std::span<const Size> indices);

/// A copy of row `index`, without the first dimension.
REEL_API Tensor take_row(const char* op, const Tensor& tensor, Size index);

/// Contiguous, outside the tape; throws unless all have the same first dimension.
REEL_API void prepare_rows(const char* op, std::span<Tensor> tensors);

/// Tensors one below the other along the first dimension, rows then taken in `order`.
REEL_API Tensor interleave(const std::vector<Tensor>& parts, std::span<const Size> order);

template <TupleLike Batch>
Batch interleave(const std::vector<Batch>& parts, std::span<const Size> order) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return Batch{interleave(column<I>(parts), order)...};
  }(std::make_index_sequence<std::tuple_size_v<Batch>>());
}

/// 0, 1, ..., n-1 in an order that depends on seed and epoch alone.
REEL_API std::vector<Size> shuffled_indices(Size n, std::uint64_t seed, std::uint64_t epoch);

/// A seed drawn from the default generator, so that `manual_seed` rules it.
REEL_API std::uint64_t seed_from_generator();

/// As long as it lives, errors say which sample was asked for.
class SampleContext : public ErrorContext {
 public:
  explicit SampleContext(Size index) : ErrorContext{&kind, error_context}, index_(index) {
    error_context = this;
  }
  ~SampleContext() { error_context = outer; }
  SampleContext(const SampleContext&) = delete;
  SampleContext& operator=(const SampleContext&) = delete;

 private:
  REEL_API static const ErrorContext::Kind kind;
  static std::string describe(const ErrorContext& newest);

  Size index_;
};

/// Within a handler: throws what was caught as an `Error` that names the sample, what was caught
/// being nested in it; an `Error` and `std::bad_alloc` as they are.
[[noreturn]] REEL_API void rethrow_from_sample(Size index);

/// `set.get(index)`, of which errors say which sample it was.
template <class D>
auto get_sample(const D& set, Size index) {
  const SampleContext context(index);
  try {
    return set.get(index);
  } catch (...) {
    rethrow_from_sample(index);
  }
}

}  // namespace detail

/// Samples made into a batch, as `torch.utils.data.default_collate` does: tensors of equal shape
/// are stacked along a new first dimension, numbers become a vector (integers int64, bools bool,
/// others float32), tuples, pairs and arrays become a tuple of batches.
///
/// For a sample type of your own write a function `collate(const std::vector<MySample>&)` in its
/// namespace. Throws `Error` when the tensors differ in shape.
REEL_API Tensor collate(const std::vector<Tensor>& samples);

/// Numbers as a vector `[B]`, of the dtype that `tensor` gives them.
template <Number T>
Tensor collate(const std::vector<T>& samples) {
  return tensor(samples);
}

/// Tuples, pairs or arrays as a tuple of batches, one for each of their places.
template <detail::TupleLike Sample>
auto collate(const std::vector<Sample>& samples) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::tuple<decltype(collate(detail::column<I>(samples)))...>{
        collate(detail::column<I>(samples))...};
  }(std::make_index_sequence<std::tuple_size_v<Sample>>());
}

/// The samples `indices` of any data set as one batch: by `set.batch` where it has one, else by
/// `set.get` and `collate`. What `get` throws ends in a line that names the sample.
template <Dataset D>
auto batch_of(const D& set, std::span<const Size> indices) {
  if constexpr (HasBatch<D>) {
    return set.batch(indices);
  } else {
    std::vector<std::decay_t<decltype(set.get(Size{}))>> samples;
    samples.reserve(indices.size());
    for (const Size index : indices) samples.push_back(detail::get_sample(set, index));
    return collate(samples);
  }
}

/// What `batch_of` returns for a data set.
template <Dataset D>
using BatchOf = decltype(batch_of(std::declval<const D&>(), std::span<const Size>{}));

/// The rows of tensors with equal first dimension: sample i is row i of each. Follows
/// `torch.utils.data.TensorDataset`.
///
/// **Example**
/// ```cpp
/// TensorDataset set{images, labels};         // [N, 1, 28, 28] and [N]
/// auto [image, label] = set.get(0);          // [1, 28, 28] and []
/// ```
/// Batches are copies outside the tape. Throws `Error`, as in `[TensorDataset] expected tensors of
/// equal first dimension, got [60000, 28, 28] and [59999]`, also for 0-d tensors.
template <std::size_t N>
class TensorDataset {
 public:
  /// Of as many tensors as the type says. They share their elements with it, except those that are
  /// not contiguous, which are copied.
  template <class... Tensors>
    requires(sizeof...(Tensors) == N && (std::same_as<Tensors, Tensor> && ...))
  explicit TensorDataset(const Tensors&... tensors) : tensors_{tensors...} {
    detail::prepare_rows("TensorDataset", tensors_);
  }

  /// The number of rows.
  Size size() const { return tensors_[0].size(0); }
  /// The tensors, contiguous and outside the tape.
  const std::array<Tensor, N>& tensors() const { return tensors_; }

  /// Row `index` of each tensor, without the first dimension. Throws `Error` for an index out of
  /// range.
  std::array<Tensor, N> get(Size index) const {
    std::array<Tensor, N> sample;
    for (std::size_t i = 0; i < N; ++i) {
      sample[i] = detail::take_row("TensorDataset", tensors_[i], index);
    }
    return sample;
  }

  /// The rows `indices` of each tensor, `[B, ..]`, in that order. Throws `Error` for an index out
  /// of range.
  std::array<Tensor, N> batch(std::span<const Size> indices) const {
    std::array<Tensor, N> rows;
    for (std::size_t i = 0; i < N; ++i) {
      rows[i] = detail::take_rows("TensorDataset", tensors_[i], indices);
    }
    return rows;
  }

 private:
  std::array<Tensor, N> tensors_;
};

/// `N` is the number of tensors.
template <class... Tensors>
TensorDataset(const Tensors&...) -> TensorDataset<sizeof...(Tensors)>;

/// Some samples of another data set, in the order of `indices`. Follows `torch.utils.data.Subset`.
template <Dataset D>
class Subset {
 public:
  /// Samples may be chosen more than once. Throws `Error` for an index that the set does not have.
  Subset(D set, std::vector<Size> indices)
      : set_(std::move(set)),
        indices_(std::make_shared<const std::vector<Size>>(std::move(indices))) {
    detail::check_indices("Subset", *indices_, set_.size());
  }

  /// The number of indices.
  Size size() const { return static_cast<Size>(indices_->size()); }
  /// The set that samples are chosen from.
  const D& dataset() const { return set_; }
  /// The places of the samples in `dataset()`.
  const std::vector<Size>& indices() const { return *indices_; }

  /// Sample `indices()[index]` of the set. Throws `Error` unless `index` is in [0, size()).
  auto get(Size index) const
    requires HasGet<D>
  {
    detail::check_indices("Subset", {&index, 1}, size());
    return set_.get((*indices_)[static_cast<std::size_t>(index)]);
  }

  /// As `get`, several at once; see `batch_of`.
  auto batch(std::span<const Size> indices) const {
    detail::check_indices("Subset", indices, size());
    std::vector<Size> inner(indices.begin(), indices.end());
    for (Size& index : inner) index = (*indices_)[static_cast<std::size_t>(index)];
    return batch_of(set_, inner);
  }

 private:
  D set_;
  std::shared_ptr<const std::vector<Size>> indices_;
};

/// Data sets one after another, as one: `ConcatDataset{mnist, drawn}`. Their batches must have one
/// type and, beyond the first dimension, equal shapes. Follows `torch.utils.data.ConcatDataset`.
template <Dataset... Ds>
  requires(sizeof...(Ds) > 0)
class ConcatDataset {
 public:
  /// What `batch` returns, of whichever sets the samples are.
  using Batch = BatchOf<std::tuple_element_t<0, std::tuple<Ds...>>>;
  static_assert((std::same_as<Batch, BatchOf<Ds>> && ...),
                "ConcatDataset needs data sets whose batches have the same type");

  /// In the order in which their samples are counted. The sets must not grow afterwards.
  explicit ConcatDataset(Ds... sets) : sets_(std::move(sets)...) {
    std::size_t part = 0;
    std::apply(
        [&](const Ds&... set) {
          ((ends_[part] = (part > 0 ? ends_[part - 1] : 0) + set.size(), ++part), ...);
        },
        sets_);
  }

  /// The sum of the sets' sizes.
  Size size() const { return ends_.back(); }

  /// Sample `index`, those of the first set being counted first. Throws `Error` for an index out of
  /// range.
  auto get(Size index) const
    requires(HasGet<Ds> && ...)
  {
    detail::check_indices("ConcatDataset", {&index, 1}, size());
    const std::size_t part = part_of(index);
    return get_from<0>(part, index - (part > 0 ? ends_[part - 1] : 0));
  }

  /// The samples `indices`, in that order, made into a batch of each set and then into one. Throws
  /// `Error` for an index out of range, and where the batches differ in shape beyond the first
  /// dimension.
  Batch batch(std::span<const Size> indices) const {
    detail::check_indices("ConcatDataset", indices, size());
    std::array<std::vector<Size>, sizeof...(Ds)> inner, places;
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const std::size_t part = part_of(indices[i]);
      inner[part].push_back(indices[i] - (part > 0 ? ends_[part - 1] : 0));
      places[part].push_back(static_cast<Size>(i));
    }
    std::vector<Batch> batches;
    std::vector<Size> order(indices.size());
    Size row = 0;
    [&]<std::size_t... P>(std::index_sequence<P...>) {
      const auto take = [&](std::size_t part, const auto& set) {
        // A batch of no samples still has to come from somewhere.
        if (inner[part].empty() && (part > 0 || !indices.empty())) return;
        for (const Size place : places[part]) order[static_cast<std::size_t>(place)] = row++;
        batches.push_back(batch_of(set, inner[part]));
      };
      (take(P, std::get<P>(sets_)), ...);
    }(std::index_sequence_for<Ds...>());
    if (batches.size() == 1) return std::move(batches.front());
    return detail::interleave(batches, order);
  }

 private:
  template <std::size_t P>
  auto get_from(std::size_t part, Size index) const {
    if constexpr (P + 1 < sizeof...(Ds)) {
      if (part != P) return get_from<P + 1>(part, index);
    }
    return std::get<P>(sets_).get(index);
  }

  std::size_t part_of(Size index) const {
    return static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), index) -
                                    ends_.begin());
  }

  std::tuple<Ds...> sets_;
  std::array<Size, sizeof...(Ds)> ends_{};  // one past the last index of each part
};

/// A data set seen through a function; made by `transform`.
template <Dataset D, class F>
class TransformedDataset {
 public:
  /// What `transform(set, function)` makes.
  TransformedDataset(D set, F function) : set_(std::move(set)), function_(std::move(function)) {}

  /// The number of samples: that of the set.
  Size size() const { return set_.size(); }
  /// The set without the function.
  const D& dataset() const { return set_; }

  /// `function` of the batch of the samples `indices`; of a tuple, of its parts.
  auto batch(std::span<const Size> indices) const {
    auto batch = batch_of(set_, indices);
    if constexpr (detail::TupleLike<decltype(batch)>) {
      return std::apply(function_, std::move(batch));
    } else {
      return std::invoke(function_, std::move(batch));
    }
  }

 private:
  D set_;
  F function_;
};

/// The data set whose batches are `function(batch)`, computed anew each time. The function sees
/// whole batches, so that one tensor operation serves all samples of it.
///
/// **Example**
/// ```cpp
/// auto normalised = transform(train_set, [](const Tensor& images, const Tensor& labels) {
///   return std::tuple{(images - 0.2860) / 0.3530, labels};
/// });
/// ```
template <Dataset D, class F>
TransformedDataset<D, F> transform(D set, F function) {
  return {std::move(set), std::move(function)};
}

}  // namespace reel
