#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "reel/autograd/detail/generator_scope.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/datasets/compose.h"
#include "reel/datasets/dataset.h"
#include "reel/datasets/sampler.h"

namespace reel {

/// How a `DataLoader` makes batches.
struct DataLoaderOptions {
  /// Samples of a batch; the last one may be smaller.
  Size batch_size = 1;
  /// Whether samples come in a new random order in each pass.
  bool shuffle = false;
  /// The same seed gives the same orders. Unset: drawn from the default generator (`manual_seed`)
  /// when the loader is made.
  std::optional<std::uint64_t> seed = {};
  /// Whether a last batch of fewer samples is left out.
  bool drop_last = false;
  /// Which samples a pass has, and in which order, in place of `shuffle`.
  Sampler sampler = {};
  /// Which samples each batch has, in place of `batch_size`, `shuffle`, `sampler` and `drop_last`.
  BatchSampler batch_sampler = {};
  /// Threads that make batches ahead; 0: each is made when it is asked for, by who asks.
  Size num_workers = 0;
  /// Batches that a worker is ahead by.
  Size prefetch_factor = 2;
};

namespace detail {

/// The batches of one pass over a data set, each as its samples. The plan is a pure function of
/// options, seed and epoch, so (seed, epoch, number of batches taken) says all about a position.
class REEL_API BatchPlan {
 public:
  BatchPlan(Size samples, const DataLoaderOptions& options, std::uint64_t seed,
            std::uint64_t epoch);

  /// The number of batches.
  Size size() const { return size_; }

  /// The samples of batch `batch`; `scratch` may hold them. Throws at the end.
  std::span<const Size> indices(Size batch, std::vector<Size>& scratch) const;

  /// Where random numbers that are drawn for batch `batch` begin.
  std::uint64_t seed_of(Size batch) const;

 private:
  Size batch_size_ = 0, samples_ = 0, size_ = 0;
  std::vector<Size> order_;                 // empty where it is 0, 1, 2, ...
  std::vector<std::vector<Size>> batches_;  // of a batch sampler
  bool ordered_ = false, batched_ = false;
  std::uint64_t seed_, epoch_;
};

/// A batch, its type forgotten, or what was thrown in its stead.
struct MadeBatch {
  std::shared_ptr<void> batch;
  std::exception_ptr error;
};

/// Makes batch `batch` of a plan.
using MakeBatch = std::function<std::shared_ptr<void>(Size batch)>;

/// Threads that make the batches of one pass ahead of time. At most `ahead` are begun or ready and
/// not yet taken.
class REEL_API BatchWorkers {
 public:
  /// Starts with batch `first` of `count`.
  BatchWorkers(Size workers, Size ahead, Size first, Size count, MakeBatch make);

  /// Ends the threads, each when it has made what it is at.
  ~BatchWorkers();
  BatchWorkers(const BatchWorkers&) = delete;
  BatchWorkers& operator=(const BatchWorkers&) = delete;

  /// The next batch in order, once it is ready.
  MadeBatch take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A counter that threads share and that is copied by its value.
class SharedCounter {
 public:
  SharedCounter() = default;
  SharedCounter(const SharedCounter& other) : value_(other.value()) {}
  SharedCounter& operator=(const SharedCounter& other) {
    set(other.value());
    return *this;
  }

  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  std::uint64_t next() { return value_.fetch_add(1, std::memory_order_relaxed); }
  /// The value, which becomes 0.
  std::uint64_t take() { return value_.exchange(0, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Throws for a batch size below 1, and for options that contradict each other.
REEL_API void check_options(const DataLoaderOptions& options);

/// Throws for a number of batches below 0.
REEL_API void check_position(Size batches);

/// Throws unless the plan has a batch `batch`.
REEL_API void check_not_at_end(const BatchPlan& plan, Size batch);

/// How many batches a pass over `samples` samples has.
REEL_API Size number_of_batches(Size samples, const DataLoaderOptions& options);

/// The seed of a loader's passes.
REEL_API std::uint64_t loader_seed(const DataLoaderOptions& options);

}  // namespace detail

/// Goes over a data set in batches. Follows `torch.utils.data.DataLoader`.
///
/// **Example**
/// ```cpp
/// for (auto [images, labels] : DataLoader{train_set, {.batch_size = 32, .shuffle = true}}) ...
///
/// DataLoader files{folder, {.batch_size = 64, .shuffle = true, .num_workers = 4}};
/// DataLoader padded{sounds, {.batch_size = 16}, pad_waveforms};  // a collate function: collate_by
/// ```
/// The loader keeps a copy of the data set, a handle as `Tensor` is, so neither need outlive the
/// other. With a `seed` the passes of one loader are shuffled by (seed, 0), (seed, 1), ...; a
/// loader made anew for every pass, as above, should leave the seed unset and call `manual_seed`
/// before. An empty set gives no batch.
///
/// With `num_workers` threads make batches ahead: the same batches in the same order as without,
/// to the last bit, also where the set draws random numbers, which follow from seed, epoch and
/// batch. Each worker runs its operations on one thread. At most
/// `num_workers * prefetch_factor + 1` batches are alive. What the set throws is thrown by `*it`
/// for the batch that it befell, and `++it` goes on to the next; errors name the sample. An
/// iterator that goes, as after `break`, ends its workers.
///
/// Several threads may begin passes of one loader: each takes an epoch of its own. An iterator is
/// one thread's, and the data set's own `get` or `batch` must bear to be called by several.
///
/// Throws `Error` unless `batch_size` is positive, for options that contradict each other, and when
/// an iterator is used at the end.
template <Dataset D>
class DataLoader {
 public:
  /// What `*it` returns: a tuple or array of tensors, or one alone, as the data set has it.
  using Batch = BatchOf<D>;

  /// An input iterator: `*it` makes the batch or waits for it, `++it` goes on.
  class Iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;

    /// The batch, made now or, with workers, waited for. Without workers each call makes it anew.
    /// One of a type that cannot be copied is there once.
    Batch operator*() const {
      const detail::OpScope scope("DataLoader.next");
      if (workers_ == nullptr || at_ >= plan_->size()) return make(*set_, *plan_, at_, scratch_);
      if (current_.batch == nullptr && current_.error == nullptr) current_ = workers_->take();
      if (current_.error != nullptr) std::rethrow_exception(current_.error);
      Batch& batch = *static_cast<Batch*>(current_.batch.get());
      if constexpr (std::copy_constructible<Batch>) {
        return batch;
      } else {
        return std::move(batch);
      }
    }
    /// Goes on to the next batch, which without workers costs nothing until it is asked for. Throws
    /// `Error` at the end.
    Iterator& operator++() {
      detail::check_not_at_end(*plan_, at_);
      // A batch that nobody looked at is still the next one to take.
      if (workers_ != nullptr && current_.batch == nullptr && current_.error == nullptr) {
        workers_->take();
      }
      current_ = {};
      ++at_;
      return *this;
    }
    /// As `++it`. There is no former iterator to return: a pass is gone through once.
    void operator++(int) { ++*this; }
    /// Whether no batch is left.
    bool operator==(std::default_sentinel_t) const { return at_ >= plan_->size(); }

    /// How many batches of the pass are gone by; what `set_epoch` takes to go on from here.
    Size position() const { return at_; }

   private:
    friend DataLoader;
    Iterator(std::shared_ptr<const D> set, std::shared_ptr<const detail::BatchPlan> plan, Size at,
             const DataLoaderOptions& options)
        : set_(std::move(set)), plan_(std::move(plan)), at_(at) {
      if (options.num_workers == 0 || at_ >= plan_->size()) return;
      workers_ = std::make_shared<detail::BatchWorkers>(
          options.num_workers, options.num_workers * options.prefetch_factor, at_, plan_->size(),
          [data = set_, batches = plan_](Size batch) -> std::shared_ptr<void> {
            std::vector<Size> scratch;
            return std::make_shared<Batch>(make(*data, *batches, batch, scratch));
          });
    }

    static Batch make(const D& set, const detail::BatchPlan& plan, Size batch,
                      std::vector<Size>& scratch) {
      const std::span<const Size> samples = plan.indices(batch, scratch);
      const detail::GeneratorScope random(plan.seed_of(batch));
      return batch_of(set, samples);
    }

    std::shared_ptr<const D> set_;
    std::shared_ptr<const detail::BatchPlan> plan_;
    Size at_;
    mutable std::vector<Size> scratch_ = {};
    std::shared_ptr<detail::BatchWorkers> workers_ = {};
    mutable detail::MadeBatch current_ = {};  // with workers: what batch `at_` is, once taken
  };

  /// Makes no batch yet, but draws the seed where it has to; see `DataLoaderOptions::seed`.
  explicit DataLoader(D set, const DataLoaderOptions& options = {})
      : set_(std::make_shared<const D>(std::move(set))), options_(options) {
    detail::check_options(options);
    seed_ = detail::loader_seed(options);
  }

  /// Batches made by `collate(samples)`: as `DataLoader{collate_by(set, collate), options}`.
  template <class Inner, class F>
    requires std::same_as<D, CollatedDataset<Inner, F>>
  DataLoader(Inner set, const DataLoaderOptions& options, F collate)
      : DataLoader(D(std::move(set), std::move(collate)), options) {}

  /// The number of batches of a pass.
  Size size() const { return detail::number_of_batches(set_->size(), options_); }

  /// The copy of the data set that it goes over.
  const D& dataset() const { return *set_; }
  /// What it was made with: a seed that was left to chance is not in it.
  const DataLoaderOptions& options() const { return options_; }

  /// The number of the pass that the next `begin()` starts.
  std::uint64_t epoch() const { return epoch_.value(); }

  /// Makes the next `begin()` start pass `epoch` behind its first `batches` batches, to go on where
  /// a run was stopped. Throws for a negative number.
  void set_epoch(std::uint64_t epoch, Size batches = 0) {
    detail::check_position(batches);
    epoch_.set(epoch);
    position_.set(static_cast<std::uint64_t>(batches));
  }

  /// Starts a pass, in a new order when shuffled.
  Iterator begin() {
    const std::uint64_t epoch = epoch_.next();
    return {set_, std::make_shared<const detail::BatchPlan>(set_->size(), options_, seed_, epoch),
            static_cast<Size>(position_.take()), options_};
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::shared_ptr<const D> set_;
  DataLoaderOptions options_;
  std::uint64_t seed_ = 0;
  detail::SharedCounter epoch_, position_;
};

/// With a collate function the set that is gone over is a `CollatedDataset`.
template <class D, class F>
DataLoader(D, const DataLoaderOptions&, F) -> DataLoader<CollatedDataset<D, F>>;

}  // namespace reel
