#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "reel/datasets/dataset.h"

namespace reel {

/// How `random_split` shuffles.
struct RandomSplitOptions {
  /// The same seed gives the same split. Unset: drawn from the default generator (`manual_seed`).
  std::optional<std::uint64_t> seed = {};
  /// The class of each sample, integers `[N]`: each part then has its share of each class, to
  /// within one or two samples. Undefined: classes are left to chance.
  Tensor stratify = {};
};

/// How `k_fold` shuffles; as for `random_split`.
using KFoldOptions = RandomSplitOptions;

/// One of the splits that `k_fold` makes.
template <Dataset D>
struct Fold {
  Subset<D> train;       ///< the samples of the other folds
  Subset<D> validation;  ///< the samples of one fold
};

namespace detail {

/// The lengths of the parts that a set of `size` samples is split into.
REEL_API std::vector<Size> checked_lengths(std::span<const Size> lengths, Size size);
REEL_API std::vector<Size> lengths_of_fractions(std::span<const double> fractions, Size size);

/// The samples of each part, parts of these lengths, each in random order.
REEL_API std::vector<std::vector<Size>> split_indices(const char* op,
                                                      const std::vector<Size>& lengths,
                                                      const RandomSplitOptions& options);

/// The samples of each of `k` folds of nearly equal length.
REEL_API std::vector<std::vector<Size>> fold_indices(Size size, Size k,
                                                     const KFoldOptions& options);

/// The samples of all folds but one.
REEL_API std::vector<Size> all_but(const std::vector<std::vector<Size>>& folds, std::size_t left);

}  // namespace detail

/// Splits a data set at random into parts that share no sample, by lengths that add up to its size
/// or by fractions that add up to 1 (rounded down, what is left over going to the first parts, one
/// each). Follows `torch.utils.data.random_split`, and with `stratify` scikit-learn's
/// `train_test_split`.
///
/// **Example**
/// ```cpp
/// auto [train_part, validation] = random_split(train_set, {0.9, 0.1}, {.seed = 1});
/// auto [some, others] = random_split(set, {100, 50}, {.stratify = set.labels()});
/// ```
/// Throws `Error` when lengths or fractions are negative or do not add up, and when the classes are
/// not integers, one a sample.
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
  std::vector<std::vector<Size>> parts = detail::split_indices("random_split", counts, options);
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<Subset<D>, N>{Subset<D>(set, std::move(parts[I]))...};
  }(std::make_index_sequence<N>());
}

/// Cuts a data set at random into `k` folds of nearly equal length; each split is one of them to
/// validate on and the others to train on. Follows scikit-learn's `KFold` (shuffled), and with
/// `stratify` its `StratifiedKFold`.
///
/// **Example**
/// ```cpp
/// for (auto& [train_part, validation] : k_fold(set, 5, {.seed = 0, .stratify = labels})) ...
/// ```
/// Throws `Error` unless `k` is at least 2 and at most the number of samples.
template <Dataset D>
std::vector<Fold<D>> k_fold(const D& set, Size k, const KFoldOptions& options = {}) {
  const std::vector<std::vector<Size>> folds = detail::fold_indices(set.size(), k, options);
  std::vector<Fold<D>> splits;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    splits.push_back({Subset<D>(set, detail::all_but(folds, i)), Subset<D>(set, folds[i])});
  }
  return splits;
}

}  // namespace reel
