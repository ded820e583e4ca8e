#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/tensor.h"
#include "reel/ops/create/create.h"

// What a data set is. Anything with
//
//   Size size() const;                                 // how many samples there are
//   Sample get(Size index) const;                      // one of them: a Tensor, a number, or a
//                                                      // tuple, pair or array of these
// or, where a batch can be made faster than sample by sample,
//   Batch batch(std::span<const Size> indices) const;  // the same with a dimension in front
//
// is one; it derives from nothing. `batch` and `get` must be pure functions of the set and the
// indices: a loader may call them from several threads. Copies should be cheap, as a `Tensor` is;
// what is heavy belongs behind a `std::shared_ptr`.

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

/// The lengths of the parts that a set of `size` samples is split into.
REEL_API std::vector<Size> checked_lengths(std::span<const Size> lengths, Size size);
REEL_API std::vector<Size> lengths_of_fractions(std::span<const double> fractions, Size size);

}  // namespace detail

/// Samples made into a batch, as `torch.utils.data.default_collate` does: tensors of equal shape
/// are stacked along a new first dimension, numbers become a vector (integers int64, others
/// float32), tuples, pairs and arrays become a tuple of batches.
///
/// For a sample type of your own write a function `collate(const std::vector<MySample>&)` in its
/// namespace. Throws `Error` when the tensors differ in shape.
REEL_API Tensor collate(const std::vector<Tensor>& samples);

template <Number T>
Tensor collate(const std::vector<T>& samples) {
  return tensor(samples);
}

template <detail::TupleLike Sample>
auto collate(const std::vector<Sample>& samples) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::tuple<decltype(collate(detail::column<I>(samples)))...>{
        collate(detail::column<I>(samples))...};
  }(std::make_index_sequence<std::tuple_size_v<Sample>>());
}

/// The samples `indices` of any data set as one batch: by `set.batch` where it has one, else by
/// `set.get` and `collate`.
template <Dataset D>
auto batch_of(const D& set, std::span<const Size> indices) {
  if constexpr (HasBatch<D>) {
    return set.batch(indices);
  } else {
    std::vector<std::decay_t<decltype(set.get(Size{}))>> samples;
    samples.reserve(indices.size());
    for (const Size index : indices) samples.push_back(set.get(index));
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
  template <class... Tensors>
    requires(sizeof...(Tensors) == N && (std::same_as<Tensors, Tensor> && ...))
  explicit TensorDataset(const Tensors&... tensors) : tensors_{tensors...} {
    detail::prepare_rows("TensorDataset", tensors_);
  }

  Size size() const { return tensors_[0].size(0); }
  const std::array<Tensor, N>& tensors() const { return tensors_; }

  std::array<Tensor, N> get(Size index) const {
    std::array<Tensor, N> sample;
    for (std::size_t i = 0; i < N; ++i) {
      sample[i] = detail::take_row("TensorDataset", tensors_[i], index);
    }
    return sample;
  }

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

template <class... Tensors>
TensorDataset(const Tensors&...) -> TensorDataset<sizeof...(Tensors)>;

/// Some samples of another data set, in the order of `indices`. Follows `torch.utils.data.Subset`.
/// Throws `Error` for an index that the set does not have.
template <Dataset D>
class Subset {
 public:
  Subset(D set, std::vector<Size> indices)
      : set_(std::move(set)),
        indices_(std::make_shared<const std::vector<Size>>(std::move(indices))) {
    detail::check_indices("Subset", *indices_, set_.size());
  }

  Size size() const { return static_cast<Size>(indices_->size()); }
  const D& dataset() const { return set_; }
  const std::vector<Size>& indices() const { return *indices_; }

  auto get(Size index) const
    requires HasGet<D>
  {
    detail::check_indices("Subset", {&index, 1}, size());
    return set_.get((*indices_)[static_cast<std::size_t>(index)]);
  }

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
  using Batch = BatchOf<std::tuple_element_t<0, std::tuple<Ds...>>>;
  static_assert((std::same_as<Batch, BatchOf<Ds>> && ...),
                "ConcatDataset needs data sets whose batches have the same type");

  explicit ConcatDataset(Ds... sets) : sets_(std::move(sets)...) {
    std::size_t part = 0;
    std::apply(
        [&](const Ds&... set) {
          ((ends_[part] = (part > 0 ? ends_[part - 1] : 0) + set.size(), ++part), ...);
        },
        sets_);
  }

  Size size() const { return ends_.back(); }

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
  TransformedDataset(D set, F function) : set_(std::move(set)), function_(std::move(function)) {}

  Size size() const { return set_.size(); }
  const D& dataset() const { return set_; }

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

/// How `random_split` shuffles.
struct RandomSplitOptions {
  /// The same seed gives the same split. Unset: drawn from the default generator (`manual_seed`).
  std::optional<std::uint64_t> seed = {};
};

/// Splits a data set at random into parts that share no sample, by lengths that add up to its size
/// or by fractions that add up to 1 (rounded down, what is left over going to the first parts, one
/// each). Follows `torch.utils.data.random_split`.
///
/// **Example**
/// ```cpp
/// auto [train_part, validation] = random_split(train_set, {0.9, 0.1}, {.seed = 1});
/// ```
/// Throws `Error` when lengths or fractions are negative or do not add up.
template <Dataset D, Number T, std::size_t N>
std::array<Subset<D>, N> random_split(const D& set, const T (&lengths)[N],
                                      const RandomSplitOptions& options = {}) {
  using Entry = std::conditional_t<std::floating_point<T>, double, Size>;
  std::array<Entry, N> entries;
  std::copy(std::begin(lengths), std::end(lengths), entries.begin());
  std::vector<Size> counts;
  if constexpr (std::floating_point<T>) {
    counts = detail::lengths_of_fractions(entries, set.size());
  } else {
    counts = detail::checked_lengths(entries, set.size());
  }
  const std::uint64_t seed = options.seed ? *options.seed : detail::seed_from_generator();
  const std::vector<Size> order = detail::shuffled_indices(set.size(), seed, 0);
  auto next = order.begin();
  const auto part = [&](std::size_t i) {
    const auto begin = std::exchange(next, next + counts[i]);
    return Subset<D>(set, std::vector<Size>(begin, next));
  };
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<Subset<D>, N>{part(I)...};
  }(std::make_index_sequence<N>());
}

}  // namespace reel
