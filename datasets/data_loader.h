#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "reel/autograd/profiler/op_scope.h"
#include "reel/datasets/dataset.h"

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
};

namespace detail {

/// Where one pass over a data set stands: which samples make the current batch. The order is a pure
/// function of seed and epoch, so (seed, epoch, number of batches taken) says all about a position.
class REEL_API BatchCursor {
 public:
  BatchCursor(Size samples, const DataLoaderOptions& options, std::uint64_t seed,
              std::uint64_t epoch);

  bool done() const { return begin_ >= end_; }

  /// The samples of the current batch. Throws at the end.
  std::span<const Size> indices() const {
    check_not_done();
    return {order_.data() + first_, count_};
  }

  /// Goes on to the next batch. Throws at the end.
  void advance() {
    check_not_done();
    begin_ += batch_size_;
    settle();
  }

 private:
  void settle();
  void check_not_done() const;

  Size batch_size_;
  Size end_;        // one past the last sample that a batch is made of
  Size begin_ = 0;  // the place of the batch's first sample in the order
  bool shuffled_;
  std::vector<Size> order_;  // all samples when shuffled, else those of the current batch
  std::size_t first_ = 0, count_ = 0;
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

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Throws for a batch size below 1.
REEL_API void check_options(const DataLoaderOptions& options);

/// How many batches `samples` samples make.
REEL_API Size number_of_batches(Size samples, const DataLoaderOptions& options);

}  // namespace detail

/// Goes over a data set in batches. Follows `torch.utils.data.DataLoader`.
///
/// **Example**
/// ```cpp
/// for (auto [images, labels] : DataLoader{train_set, {.batch_size = 32, .shuffle = true}}) ...
/// ```
/// The loader keeps a copy of the data set, a handle as `Tensor` is, so neither need outlive the
/// other. With a `seed` the passes of one loader are shuffled by (seed, 0), (seed, 1), ...; a
/// loader made anew for every pass, as above, should leave the seed unset and call `manual_seed`
/// before. An empty set gives no batch.
///
/// Several threads may begin passes of one loader: each takes an epoch of its own. An iterator is
/// one thread's, and the data set's own `get` or `batch` must bear to be called by several.
///
/// Throws `Error` unless `batch_size` is positive, and when an iterator is used at the end.
template <Dataset D>
class DataLoader {
 public:
  using Batch = BatchOf<D>;

  /// An input iterator: `*it` makes the batch, `++it` goes on.
  class Iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;

    Batch operator*() const {
      const detail::OpScope scope("DataLoader.next");
      return batch_of(*set_, cursor_.indices());
    }
    Iterator& operator++() {
      cursor_.advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return cursor_.done(); }

   private:
    friend DataLoader;
    Iterator(const D& set, detail::BatchCursor cursor) : set_(&set), cursor_(std::move(cursor)) {}

    const D* set_;
    detail::BatchCursor cursor_;
  };

  explicit DataLoader(D set, const DataLoaderOptions& options = {})
      : set_(std::move(set)), options_(options) {
    detail::check_options(options);
    if (options.shuffle) seed_ = options.seed ? *options.seed : detail::seed_from_generator();
  }

  /// The number of batches of a pass.
  Size size() const { return detail::number_of_batches(set_.size(), options_); }

  const D& dataset() const { return set_; }
  const DataLoaderOptions& options() const { return options_; }

  /// The number of the pass that the next `begin()` starts; settable, to go on where a run was
  /// stopped.
  std::uint64_t epoch() const { return epoch_.value(); }
  void set_epoch(std::uint64_t epoch) { epoch_.set(epoch); }

  /// Starts a pass, in a new order when shuffled.
  Iterator begin() { return {set_, {set_.size(), options_, seed_, epoch_.next()}}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  D set_;
  DataLoaderOptions options_;
  std::uint64_t seed_ = 0;
  detail::SharedCounter epoch_;
};

}  // namespace reel
