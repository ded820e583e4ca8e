#pragma once

/// @file
/// Which samples a `DataLoader` takes, and in which order. A sampler is anything with
/// ```cpp
/// Size size() const;                                     // how many samples a pass has
/// std::vector<Size> indices(std::uint64_t epoch) const;  // those of pass number `epoch`
/// ```
/// and a batch sampler anything with
/// ```cpp
/// Size size() const;  // how many batches a pass has
/// std::vector<std::vector<Size>> batches(std::uint64_t epoch) const;
/// ```
/// Both must be pure functions of the epoch, so that a run which was stopped goes on where it was.

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel {

/// What a `Sampler` can be made from: `size()` and `indices(epoch)`, as the head of this file has
/// them.
template <class S>
concept SamplerLike = std::copy_constructible<S> && requires(const S& s, std::uint64_t epoch) {
  { s.size() } -> std::convertible_to<Size>;
  { s.indices(epoch) } -> std::same_as<std::vector<Size>>;
};

/// What a `BatchSampler` can be made from: `size()` and `batches(epoch)`.
template <class S>
concept BatchSamplerLike = std::copy_constructible<S> && requires(const S& s, std::uint64_t epoch) {
  { s.size() } -> std::convertible_to<Size>;
  { s.batches(epoch) } -> std::same_as<std::vector<std::vector<Size>>>;
};

/// Any sampler, its type forgotten: what `DataLoaderOptions::sampler` takes. A handle.
class Sampler {
 public:
  /// No sampler.
  Sampler() = default;
  /// Of any sampler; keeps a copy of it.
  template <class S>
    requires(!std::same_as<S, Sampler> &&
             SamplerLike<S>)  // in this order: the second asks for copies
  Sampler(S sampler) : sampler_(std::make_shared<const Of<S>>(std::move(sampler))) {}

  /// Whether there is a sampler. Without one nothing else may be called.
  bool defined() const { return sampler_ != nullptr; }
  /// The number of samples of a pass.
  Size size() const { return sampler_->size(); }
  /// The samples of pass number `epoch`, in order.
  std::vector<Size> indices(std::uint64_t epoch) const { return sampler_->indices(epoch); }

 private:
  struct Any {
    virtual ~Any() = default;
    virtual Size size() const = 0;
    virtual std::vector<Size> indices(std::uint64_t epoch) const = 0;
  };
  template <class S>
  struct Of final : Any {
    explicit Of(S s) : sampler(std::move(s)) {}
    Size size() const override { return sampler.size(); }
    std::vector<Size> indices(std::uint64_t epoch) const override { return sampler.indices(epoch); }
    S sampler;
  };

  std::shared_ptr<const Any> sampler_;
};

/// Any batch sampler, its type forgotten: what `DataLoaderOptions::batch_sampler` takes. A handle.
class BatchSampler {
 public:
  /// No batch sampler.
  BatchSampler() = default;
  /// Of any batch sampler; keeps a copy of it.
  template <class S>
    requires(!std::same_as<S, BatchSampler> &&
             BatchSamplerLike<S>)  // in this order: the second asks for copies
  BatchSampler(S sampler) : sampler_(std::make_shared<const Of<S>>(std::move(sampler))) {}

  /// Whether there is a batch sampler. Without one nothing else may be called.
  bool defined() const { return sampler_ != nullptr; }
  /// The number of batches of a pass.
  Size size() const { return sampler_->size(); }
  /// The samples of each batch of pass number `epoch`, in order.
  std::vector<std::vector<Size>> batches(std::uint64_t epoch) const {
    return sampler_->batches(epoch);
  }

 private:
  struct Any {
    virtual ~Any() = default;
    virtual Size size() const = 0;
    virtual std::vector<std::vector<Size>> batches(std::uint64_t epoch) const = 0;
  };
  template <class S>
  struct Of final : Any {
    explicit Of(S s) : sampler(std::move(s)) {}
    Size size() const override { return sampler.size(); }
    std::vector<std::vector<Size>> batches(std::uint64_t epoch) const override {
      return sampler.batches(epoch);
    }
    S sampler;
  };

  std::shared_ptr<const Any> sampler_;
};

/// 0, 1, ..., size-1. Follows `torch.utils.data.SequentialSampler`.
class REEL_API SequentialSampler {
 public:
  /// Throws `Error` for a negative size.
  explicit SequentialSampler(Size size);
  /// The number of samples.
  Size size() const { return size_; }
  /// 0, 1, ..., size-1, whatever the pass.
  std::vector<Size> indices(std::uint64_t epoch) const;

 private:
  Size size_;
};

/// How a `RandomSampler` draws.
struct RandomSamplerOptions {
  /// Whether a sample may come several times in a pass.
  bool replacement = false;
  /// Samples of a pass. Unset: all of them. Beyond that, without replacement, all come again.
  std::optional<Size> num_samples = {};
  /// The same seed gives the same orders. Unset: drawn from the default generator (`manual_seed`).
  std::optional<std::uint64_t> seed = {};
};

/// All samples in random order, another one in each pass. Follows
/// `torch.utils.data.RandomSampler`. Throws `Error` when samples are asked for and there are none.
class REEL_API RandomSampler {
 public:
  /// Of the samples 0 to size-1. Throws `Error` for negative numbers.
  explicit RandomSampler(Size size, const RandomSamplerOptions& options = {});
  /// The number of samples of a pass.
  Size size() const { return count_; }
  /// The samples of pass number `epoch`: the same for the same seed.
  std::vector<Size> indices(std::uint64_t epoch) const;

 private:
  Size size_, count_;
  bool replacement_;
  std::uint64_t seed_;
};

/// How a `WeightedRandomSampler` draws.
struct WeightedRandomSamplerOptions {
  bool replacement = true;  ///< whether a sample may come several times in a pass
  /// The same seed gives the same orders. Unset: drawn from the default generator (`manual_seed`).
  std::optional<std::uint64_t> seed = {};
};

/// Samples drawn with probabilities in proportion to their weights: against classes of uneven size.
/// Follows `torch.utils.data.WeightedRandomSampler`.
///
/// Throws `Error` unless `weights` are numbers `[N]`, finite, none negative, with a sum above 0,
/// and, without replacement, at least `num_samples` of them above 0.
class REEL_API WeightedRandomSampler {
 public:
  /// Draws `num_samples` of the `N` samples in each pass.
  WeightedRandomSampler(const Tensor& weights, Size num_samples,
                        const WeightedRandomSamplerOptions& options = {});
  /// `num_samples`.
  Size size() const { return count_; }
  /// The samples of pass number `epoch`, in the order in which they are drawn.
  std::vector<Size> indices(std::uint64_t epoch) const;

 private:
  std::vector<double> weights_;
  std::vector<double> sums_;  // of the weights up to each
  Size count_;
  bool replacement_;
  std::uint64_t seed_;
};

/// How samplers shuffle that have no other choice.
struct SeedOptions {
  /// The same seed gives the same orders. Unset: drawn from the default generator (`manual_seed`).
  std::optional<std::uint64_t> seed = {};
};

/// All samples in a random order in which the classes are evenly spread: every batch has, to within
/// a sample or two, its share of each.
///
/// Throws `Error` unless `labels` are integers `[N]`.
class REEL_API StratifiedSampler {
 public:
  /// `labels[i]` is the class of sample `i`.
  explicit StratifiedSampler(const Tensor& labels, const SeedOptions& options = {});
  /// The number of labels: a pass has all samples.
  Size size() const { return labels_.size(0); }
  /// The samples of pass number `epoch`: the same for the same seed.
  std::vector<Size> indices(std::uint64_t epoch) const;

 private:
  Tensor labels_;
  std::uint64_t seed_;
};

/// Which part of the samples a process takes.
struct DistributedSamplerOptions {
  Size num_replicas = 1;  ///< how many processes share the samples
  Size rank = 0;          ///< which one this is, from 0
  bool shuffle = true;    ///< whether the order is random, another one in each pass
  /// The same in all processes.
  std::uint64_t seed = 0;
  /// Whether samples that do not go round are left out; else the first come again, so that every
  /// process has as many.
  bool drop_last = false;
};

/// Every `num_replicas`-th sample, from the `rank`-th on, of an order that all processes share.
/// Follows `torch.utils.data.DistributedSampler`.
///
/// Throws `Error` unless `0 <= rank < num_replicas`.
class REEL_API DistributedSampler {
 public:
  /// This process's part of the samples 0 to size-1.
  explicit DistributedSampler(Size size, const DistributedSamplerOptions& options = {});
  /// The number of samples of a pass, the same in all processes.
  Size size() const { return count_; }
  /// This process's samples of pass number `epoch`, which all processes must count alike.
  std::vector<Size> indices(std::uint64_t epoch) const;

 private:
  Size size_, count_;
  DistributedSamplerOptions options_;
};

/// How a `LengthBatchSampler` cuts batches.
struct LengthBatchSamplerOptions {
  /// Samples of a batch.
  Size batch_size = 1;
  /// Where above 0: a batch padded to its longest sample has at most so many elements, and
  /// `batch_size` is the most that it has samples. One longer sample makes a batch by itself.
  Size max_elements = 0;
  /// Whether each pass cuts other batches, in another order; else windows are cut from the samples
  /// as they stand, and batches come window by window, the shortest samples first.
  bool shuffle = true;
  /// Samples are sorted by length among so many batches' worth at a time: more gives less padding,
  /// fewer gives batches that chance has more to say in.
  Size window = 100;
  /// The same seed gives the same batches. Unset: drawn from the default generator
  /// (`manual_seed`).
  std::optional<std::uint64_t> seed = {};
};

/// Batches of samples of like length, so that little is padded, in random order: samples are
/// shuffled, sorted within windows, cut into batches, and these shuffled. With `max_elements` the
/// number of batches may differ from pass to pass; `size()` is that of pass 0.
///
/// Throws `Error` unless `lengths` are integers `[N]`, none negative, and for options below 1.
class REEL_API LengthBatchSampler {
 public:
  /// `lengths[i]` is how many elements sample `i` has before it is padded.
  explicit LengthBatchSampler(const Tensor& lengths, const LengthBatchSamplerOptions& options = {});
  /// The number of batches of pass 0, which it cuts to count them.
  Size size() const { return static_cast<Size>(batches(0).size()); }
  /// The samples of each batch of pass number `epoch`.
  std::vector<std::vector<Size>> batches(std::uint64_t epoch) const;

 private:
  Tensor lengths_;
  LengthBatchSamplerOptions options_;
  std::uint64_t seed_;
};

}  // namespace reel
