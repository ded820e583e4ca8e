#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/datasets/dataset.h"

namespace reel {
namespace detail {

/// A sample or batch as a tuple of its parts; one that has no parts is the only one.
template <class T>
auto as_tuple(T value) {
  if constexpr (TupleLike<T>) {
    return std::apply([](auto&&... parts) { return std::tuple{std::move(parts)...}; },
                      std::move(value));
  } else {
    return std::tuple<T>(std::move(value));
  }
}

/// `function(sample)`, or of a tuple `function(parts...)`.
template <class F, class T>
decltype(auto) call_with(F& function, T value) {
  if constexpr (TupleLike<T>) {
    return std::apply(function, std::move(value));
  } else {
    return std::invoke(function, std::move(value));
  }
}

/// Throws `[StackDataset] expected data sets of equal size, got 10 and 9` unless they are.
REEL_API void check_equal_sizes(std::span<const Size> sizes);

}  // namespace detail

/// Data sets of equal size side by side: sample i is the parts of sample i of each, in one tuple.
/// Follows `torch.utils.data.StackDataset`.
///
/// **Example**
/// ```cpp
/// auto [image, label, sound] = StackDataset{pictures, sounds}.get(0);
/// ```
template <Dataset... Ds>
  requires(sizeof...(Ds) > 0)
class StackDataset {
 public:
  /// Throws `Error` when the sizes differ.
  explicit StackDataset(Ds... sets) : sets_(std::move(sets)...) {
    const std::array<Size, sizeof...(Ds)> sizes =
        std::apply([](const Ds&... set) { return std::array{Size{set.size()}...}; }, sets_);
    detail::check_equal_sizes(sizes);
  }

  /// The number of samples: that of every set.
  Size size() const { return std::get<0>(sets_).size(); }

  /// The parts of sample `index` of all sets, in one tuple. Where each set hands out single
  /// samples.
  auto get(Size index) const
    requires(HasGet<Ds> && ...)
  {
    return std::apply(
        [&](const Ds&... set) { return std::tuple_cat(detail::as_tuple(set.get(index))...); },
        sets_);
  }

  /// The batches of the samples `indices` of all sets, their parts in one tuple; see `batch_of`.
  auto batch(std::span<const Size> indices) const {
    return std::apply(
        [&](const Ds&... set) {
          return std::tuple_cat(detail::as_tuple(batch_of(set, indices))...);
        },
        sets_);
  }

 private:
  std::tuple<Ds...> sets_;
};

/// A data set whose samples are seen through a function; made by `transform_samples`.
template <HasGet D, class F>
class MappedDataset {
 public:
  /// What `transform_samples(set, function)` makes.
  MappedDataset(D set, F function) : set_(std::move(set)), function_(std::move(function)) {}

  /// The number of samples: that of the set.
  Size size() const { return set_.size(); }
  /// The set without the function.
  const D& dataset() const { return set_; }

  /// `function` of sample `index`, called anew each time.
  auto get(Size index) const { return detail::call_with(function_, set_.get(index)); }

 private:
  D set_;
  F function_;
};

/// The data set whose samples are `function(sample)`, of tuples `function(parts...)`, computed anew
/// each time: what makes samples of equal shape, which `collate` needs. Where whole batches can be
/// computed at once, `transform` is faster.
///
/// **Example**
/// ```cpp
/// auto cut = transform_samples(sounds, [](const Tensor& waveform, const Tensor& label) {
///   return std::tuple{waveform.narrow(1, 0, 4000), label};
/// });
/// ```
/// The function may be called from several threads.
template <HasGet D, class F>
MappedDataset<D, F> transform_samples(D set, F function) {
  return {std::move(set), std::move(function)};
}

/// The samples for which `keep(sample)`, of tuples `keep(parts...)`, is true. Each sample is looked
/// at once, here.
///
/// **Example**
/// ```cpp
/// auto sevens = filter(set, [](const Tensor&, const Tensor& label) { return label.item() == 7; });
/// ```
template <HasGet D, class F>
Subset<D> filter(D set, F keep) {
  std::vector<Size> kept;
  const Size size = set.size();
  for (Size i = 0; i < size; ++i) {
    if (detail::call_with(keep, detail::get_sample(set, i))) kept.push_back(i);
  }
  return Subset<D>(std::move(set), std::move(kept));
}

/// A data set that keeps the samples it has handed out; made by `cache`. A handle: copies share
/// what is kept.
template <HasGet D>
class CachedDataset {
 public:
  /// What the set's `get` returns.
  using Sample = std::decay_t<decltype(std::declval<const D&>().get(Size{}))>;

  /// What `cache(set)` makes: nothing is kept yet.
  explicit CachedDataset(D set) : kept_(std::make_shared<Kept>(std::move(set))) {}

  /// The number of samples, as it was when the cache was made.
  Size size() const { return static_cast<Size>(kept_->samples.size()); }
  /// The set without the cache.
  const D& dataset() const { return kept_->set; }

  /// Sample `index`: the one kept, or else made and kept; where two threads make it at once, both
  /// get the first. What the set throws is not kept. Throws `Error` for an index out of range.
  Sample get(Size index) const {
    detail::check_indices("CachedDataset", {&index, 1}, size());
    const auto place = static_cast<std::size_t>(index);
    std::optional<Sample>& sample = kept_->samples[place];
    std::mutex& mutex = kept_->mutexes[place % kept_->mutexes.size()];
    {
      const std::lock_guard lock(mutex);
      if (sample) return *sample;
    }
    // Others need not wait meanwhile; of two threads that make one sample the first is kept.
    Sample made = kept_->set.get(index);
    const std::lock_guard lock(mutex);
    if (!sample) sample = std::move(made);
    return *sample;
  }

 private:
  struct Kept {
    explicit Kept(D data) : set(std::move(data)), samples(static_cast<std::size_t>(set.size())) {}
    D set;
    std::vector<std::optional<Sample>> samples;
    std::array<std::mutex, 64> mutexes;
  };

  std::shared_ptr<Kept> kept_;
};

/// The same data set, each sample of which is made once and then kept in memory: for files that
/// take long to decode and fit in decoded. Several threads may use it. The tensors handed out are
/// the ones kept: who writes to one changes the cache.
template <HasGet D>
CachedDataset<D> cache(D set) {
  return CachedDataset<D>(std::move(set));
}

/// A data set whose batches are made by a function of its own; made by `collate_by`.
template <HasGet D, class F>
class CollatedDataset {
 public:
  /// What `collate_by(set, collate)` makes.
  CollatedDataset(D set, F collate) : set_(std::move(set)), collate_(std::move(collate)) {}

  /// The number of samples: that of the set.
  Size size() const { return set_.size(); }
  /// The set without the function.
  const D& dataset() const { return set_; }
  /// Sample `index` as the set hands it out.
  auto get(Size index) const { return set_.get(index); }

  /// `collate` of the samples `indices`. What `get` throws ends in a line that names the sample.
  auto batch(std::span<const Size> indices) const {
    std::vector<std::decay_t<decltype(set_.get(Size{}))>> samples;
    samples.reserve(indices.size());
    for (const Size index : indices) samples.push_back(detail::get_sample(set_, index));
    return std::invoke(collate_, samples);
  }

 private:
  D set_;
  F collate_;
};

/// The same data set, whose batches are `collate(samples)`, given a `std::vector` of samples: for
/// sequences of different length and the like. The `collate_fn` of `torch.utils.data.DataLoader`.
///
/// **Example**
/// ```cpp
/// auto padded = collate_by(sounds, [](const std::vector<std::tuple<Tensor, Tensor>>& samples) {
///   auto [waveforms, labels] = unzip(samples);
///   return std::tuple{pad_sequence(waveforms, {.dim = 1}), stack(labels)};
/// });
/// ```
template <HasGet D, class F>
CollatedDataset<D, F> collate_by(D set, F collate) {
  return {std::move(set), std::move(collate)};
}

/// A vector of tuples as a tuple of vectors.
template <detail::TupleLike Sample>
auto unzip(const std::vector<Sample>& samples) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::tuple{detail::column<I>(samples)...};
  }(std::make_index_sequence<std::tuple_size_v<Sample>>());
}

/// How `pad_sequence` pads.
struct PadSequenceOptions {
  Size dim = 0;              ///< in which the tensors differ; negative counts from the end
  double padding_value = 0;  ///< what fills them up, converted to their dtype
};

/// Tensors that differ in the size of one dimension as one: `[L_i, F]` for i < B becomes
/// `[B, max L_i, F]`, what is missing at the end filled with `padding_value`. Follows
/// `torch.nn.utils.rnn.pad_sequence` with `batch_first=True`. Outside the tape.
///
/// Throws `Error` when there is no tensor, and when they differ in dtype or in other dimensions.
REEL_API Tensor pad_sequence(const std::vector<Tensor>& sequences,
                             const PadSequenceOptions& options = {});

}  // namespace reel
