#include "reel/datasets/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "reel/base/detail/random_stream.h"
#include "reel/base/fail.h"
#include "reel/datasets/dataset.h"
#include "reel/datasets/detail/classes.h"

namespace reel {
namespace {

using detail::RandomStream;

std::uint64_t seed_of(const std::optional<std::uint64_t>& seed) {
  return seed ? *seed : detail::seed_from_generator();
}

std::vector<Size> first_n(Size n) {
  std::vector<Size> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Size{0});
  return order;
}

/// Uniform in (0, 1].
double uniform(RandomStream& random) {
  return static_cast<double>((random.bits() >> 11) + 1) * 0x1p-53;
}

void check_size(const char* op, Size size) {
  check(size >= 0, op, "expected a number of samples, got {}", size);
}

}  // namespace

SequentialSampler::SequentialSampler(Size size) : size_(size) {
  check_size("SequentialSampler", size);
}

std::vector<Size> SequentialSampler::indices(std::uint64_t) const { return first_n(size_); }

RandomSampler::RandomSampler(Size size, const RandomSamplerOptions& options)
    : size_(size),
      count_(options.num_samples.value_or(size)),
      replacement_(options.replacement),
      seed_(seed_of(options.seed)) {
  constexpr const char* op = "RandomSampler";
  check_size(op, size);
  check(count_ >= 0, op, "expected num_samples >= 0, got {}", count_);
  check(size > 0 || count_ == 0, op, "expected samples to draw {} from, got none", count_);
}

std::vector<Size> RandomSampler::indices(std::uint64_t epoch) const {
  std::vector<Size> drawn;
  drawn.reserve(static_cast<std::size_t>(count_));
  if (replacement_) {
    RandomStream random(seed_, epoch);
    for (Size i = 0; i < count_; ++i) {
      drawn.push_back(static_cast<Size>(random.below(static_cast<std::uint64_t>(size_))));
    }
    return drawn;
  }
  const std::vector<Size> order = detail::shuffled_indices(size_, seed_, epoch);
  for (std::uint64_t round = 0; static_cast<Size>(drawn.size()) < count_; ++round) {
    const std::vector<Size> again =
        round == 0 ? order : detail::shuffled_indices(size_, seed_ + round, ~epoch);
    const auto left = count_ - static_cast<Size>(drawn.size());
    drawn.insert(drawn.end(), again.begin(), again.begin() + std::min(size_, left));
  }
  return drawn;
}

WeightedRandomSampler::WeightedRandomSampler(const Tensor& weights, Size num_samples,
                                             const WeightedRandomSamplerOptions& options)
    : count_(num_samples), replacement_(options.replacement), seed_(seed_of(options.seed)) {
  constexpr const char* op = "WeightedRandomSampler";
  check(weights.dim() == 1, op, "expected weights of shape [N], got {}", weights.shape());
  const Tensor values = weights.detach().to(float64).contiguous();
  weights_.assign(values.data_ptr<double>(), values.data_ptr<double>() + values.numel());
  double sum = 0;
  Size positive = 0;
  for (const double weight : weights_) {
    check(weight >= 0 && std::isfinite(weight), op, "expected finite weights >= 0, got {}", weight);
    sums_.push_back(sum += weight);
    positive += weight > 0 ? 1 : 0;
  }
  check(num_samples >= 0, op, "expected num_samples >= 0, got {}", num_samples);
  check((sum > 0 && std::isfinite(sum)) || num_samples == 0, op,
        "expected weights with a finite sum above 0, got {}", sum);
  check(replacement_ || num_samples <= positive, op,
        "expected at most {} samples without replacement, as many weights are above 0, got {}",
        positive, num_samples);
}

std::vector<Size> WeightedRandomSampler::indices(std::uint64_t epoch) const {
  RandomStream random(seed_, epoch);
  std::vector<Size> drawn;
  if (replacement_) {
    for (Size i = 0; i < count_; ++i) {
      // The first sum that reaches the number: one of weight 0 does not reach beyond its neighbour.
      const double at = uniform(random) * sums_.back();
      drawn.push_back(std::lower_bound(sums_.begin(), sums_.end(), at) - sums_.begin());
    }
    return drawn;
  }
  // The largest of u^(1/w) are a weighted draw without replacement (Efraimidis and Spirakis 2006).
  std::vector<double> keys(weights_.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const double u = uniform(random);
    keys[i] =
        weights_[i] > 0 ? std::log(u) / weights_[i] : -std::numeric_limits<double>::infinity();
  }
  drawn = first_n(static_cast<Size>(keys.size()));
  const auto key = [&](Size i) { return keys[static_cast<std::size_t>(i)]; };
  std::stable_sort(drawn.begin(), drawn.end(), [&](Size a, Size b) { return key(a) > key(b); });
  drawn.resize(static_cast<std::size_t>(count_));
  return drawn;
}

StratifiedSampler::StratifiedSampler(const Tensor& labels, const SeedOptions& options)
    : labels_(labels.detach()), seed_(seed_of(options.seed)) {
  check(labels.dim() == 1 && !labels.is_floating_point(), "StratifiedSampler",
        "expected integers [N], got {} {}", labels.dtype(), labels.shape());
}

std::vector<Size> StratifiedSampler::indices(std::uint64_t epoch) const {
  RandomStream random(~seed_, epoch);
  // The n samples of a class stand at (r + u) / n of the way, with a u of the class's own.
  std::vector<std::pair<double, Size>> placed;
  for (const std::vector<Size>& members :
       datasets::detail::samples_by_class("StratifiedSampler", labels_, size(), seed_, epoch)) {
    const double offset = uniform(random);
    for (std::size_t r = 0; r < members.size(); ++r) {
      placed.emplace_back((static_cast<double>(r) + offset) / static_cast<double>(members.size()),
                          members[r]);
    }
  }
  std::sort(placed.begin(), placed.end());
  std::vector<Size> order;
  for (const auto& [place, sample] : placed) order.push_back(sample);
  return order;
}

DistributedSampler::DistributedSampler(Size size, const DistributedSamplerOptions& options)
    : size_(size), options_(options) {
  constexpr const char* op = "DistributedSampler";
  check_size(op, size);
  check(options.num_replicas >= 1, op, "expected num_replicas >= 1, got {}", options.num_replicas);
  check(options.rank >= 0 && options.rank < options.num_replicas, op,
        "expected rank in [0, {}), got {}", options.num_replicas, options.rank);
  count_ = size / options.num_replicas;
  if (!options.drop_last && size % options.num_replicas > 0) ++count_;
}

std::vector<Size> DistributedSampler::indices(std::uint64_t epoch) const {
  const std::vector<Size> order =
      options_.shuffle ? detail::shuffled_indices(size_, options_.seed, epoch) : first_n(size_);
  std::vector<Size> own;
  for (Size i = 0; i < count_; ++i) {
    own.push_back(
        order[static_cast<std::size_t>((options_.rank + i * options_.num_replicas) % size_)]);
  }
  return own;
}

LengthBatchSampler::LengthBatchSampler(const Tensor& lengths,
                                       const LengthBatchSamplerOptions& options)
    : options_(options), seed_(options.shuffle ? seed_of(options.seed) : 0) {
  constexpr const char* op = "LengthBatchSampler";
  check(lengths.dim() == 1 && !lengths.is_floating_point(), op, "expected integers [N], got {} {}",
        lengths.dtype(), lengths.shape());
  check(options.batch_size >= 1 && options.window >= 1 && options.max_elements >= 0, op,
        "expected batch_size >= 1, window >= 1 and max_elements >= 0, got {}, {} and {}",
        options.batch_size, options.window, options.max_elements);
  lengths_ = lengths.detach().to(int64).contiguous();
  for (Size i = 0; i < lengths_.numel(); ++i) {
    const std::int64_t length = lengths_.data_ptr<std::int64_t>()[i];
    check(length >= 0, op, "expected lengths >= 0, got {}", length);
  }
}

std::vector<std::vector<Size>> LengthBatchSampler::batches(std::uint64_t epoch) const {
  const Size size = lengths_.numel();
  const auto* lengths = lengths_.data_ptr<std::int64_t>();
  std::vector<Size> order =
      options_.shuffle ? detail::shuffled_indices(size, seed_, epoch) : first_n(size);
  std::vector<std::vector<Size>> cut;
  const Size window =
      std::min(options_.window, size / options_.batch_size + 1) * options_.batch_size;
  for (Size begin = 0; begin < size; begin += window) {
    const auto first = order.begin() + begin;
    const auto last = order.begin() + std::min(size, begin + window);
    std::stable_sort(first, last, [&](Size a, Size b) { return lengths[a] < lengths[b]; });
    std::vector<Size> batch;
    for (auto sample = first; sample != last; ++sample) {
      // The newest is the longest.
      const auto count = static_cast<Size>(batch.size());
      const bool too_large = options_.max_elements > 0 && count > 0 &&
                             lengths[*sample] > options_.max_elements / (count + 1);
      if (count == options_.batch_size || too_large) cut.push_back(std::exchange(batch, {}));
      batch.push_back(*sample);
    }
    if (!batch.empty()) cut.push_back(std::move(batch));
  }
  if (!options_.shuffle) return cut;
  std::vector<std::vector<Size>> shuffled;
  for (const Size i : detail::shuffled_indices(static_cast<Size>(cut.size()), ~seed_, epoch)) {
    shuffled.push_back(std::move(cut[static_cast<std::size_t>(i)]));
  }
  return shuffled;
}

}  // namespace reel
