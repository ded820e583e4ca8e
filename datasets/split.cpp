#include "reel/datasets/split.h"

#include <algorithm>
#include <cmath>

#include "reel/base/fail.h"
#include "reel/datasets/detail/classes.h"

namespace reel {
namespace {

std::string joined(const auto& values) { return fmt::format("{}", fmt::join(values, " + ")); }

/// Deals samples that lie class by class to parts of these lengths: each goes to the part that is
/// furthest behind its share of all dealt so far, so that along any class every part gets its
/// share.
std::vector<std::vector<Size>> dealt(const std::vector<std::vector<Size>>& by_class,
                                     const std::vector<Size>& lengths, Size size) {
  std::vector<std::vector<Size>> parts(lengths.size());
  double count = 0;
  for (const std::vector<Size>& members : by_class) {
    for (const Size sample : members) {
      ++count;
      std::size_t behind = lengths.size();
      double most = 0;
      for (std::size_t i = 0; i < lengths.size(); ++i) {
        const auto held = static_cast<double>(parts[i].size());
        const auto length = static_cast<double>(lengths[i]);
        const double deficit = length * count / static_cast<double>(size) - held;
        if (held < length && (behind == lengths.size() || deficit > most)) {
          behind = i;
          most = deficit;
        }
      }
      parts[behind].push_back(sample);
    }
  }
  return parts;
}

}  // namespace

std::vector<Size> detail::checked_lengths(std::span<const Size> lengths, Size size) {
  Size sum = 0;
  bool valid = true;
  for (const Size length : lengths) {
    valid = valid && length >= 0 && !__builtin_add_overflow(sum, length, &sum);
  }
  check(valid && sum == size, "random_split", "expected lengths that add up to {}, got {}", size,
        joined(lengths));
  return {lengths.begin(), lengths.end()};
}

std::vector<Size> detail::lengths_of_fractions(std::span<const double> fractions, Size size) {
  double sum = 0;
  bool valid = true;
  for (const double fraction : fractions) {
    valid = valid && fraction >= 0;
    sum += fraction;
  }
  check(valid && std::abs(sum - 1) < 1e-6, "random_split",
        "expected fractions that add up to 1, got {}", joined(fractions));
  std::vector<Size> lengths;
  Size left = size;
  for (const double fraction : fractions) {
    // A fraction such as 0.1 of 10 must not become 0 samples by its rounding error.
    const auto length = static_cast<Size>(fraction * static_cast<double>(size) + 1e-6);
    lengths.push_back(std::min(length, left));
    left -= lengths.back();
  }
  for (std::size_t i = 0; left > 0; ++i, --left) ++lengths[i % lengths.size()];
  return lengths;
}

std::vector<std::vector<Size>> detail::split_indices(const char* op,
                                                     const std::vector<Size>& lengths,
                                                     const RandomSplitOptions& options) {
  Size size = 0;
  for (const Size length : lengths) size += length;
  const std::uint64_t seed = options.seed ? *options.seed : seed_from_generator();
  if (!options.stratify.defined()) {
    const std::vector<Size> order = shuffled_indices(size, seed, 0);
    std::vector<std::vector<Size>> parts;
    auto next = order.begin();
    for (const Size length : lengths) {
      parts.emplace_back(next, next + length);
      next += length;
    }
    return parts;
  }
  std::vector<std::vector<Size>> parts =
      dealt(datasets::detail::samples_by_class(op, options.stratify, size, seed), lengths, size);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    // Not class after class.
    std::vector<Size> shuffled;
    for (const Size place : shuffled_indices(static_cast<Size>(parts[i].size()), seed, i + 1)) {
      shuffled.push_back(parts[i][static_cast<std::size_t>(place)]);
    }
    parts[i] = std::move(shuffled);
  }
  return parts;
}

std::vector<std::vector<Size>> detail::fold_indices(Size size, Size k,
                                                    const KFoldOptions& options) {
  check(k >= 2 && k <= size, "k_fold", "expected k in [2, {}], the number of samples, got {}", size,
        k);
  std::vector<Size> lengths(static_cast<std::size_t>(k), size / k);
  for (Size i = 0; i < size % k; ++i) ++lengths[static_cast<std::size_t>(i)];
  return split_indices("k_fold", lengths, options);
}

std::vector<Size> detail::all_but(const std::vector<std::vector<Size>>& folds, std::size_t left) {
  std::vector<Size> others;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    if (i != left) others.insert(others.end(), folds[i].begin(), folds[i].end());
  }
  return others;
}

}  // namespace reel
