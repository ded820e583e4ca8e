#include "reel/datasets/data_loader.h"

#include <algorithm>
#include <numeric>

#include "reel/base/fail.h"

namespace reel::detail {

BatchCursor::BatchCursor(Size samples, const DataLoaderOptions& options, std::uint64_t seed,
                         std::uint64_t epoch)
    : batch_size_(options.batch_size),
      end_(options.drop_last ? samples / batch_size_ * batch_size_ : samples),
      shuffled_(options.shuffle) {
  if (shuffled_) order_ = shuffled_indices(samples, seed, epoch);
  settle();
}

void BatchCursor::settle() {
  if (done()) return;
  count_ = static_cast<std::size_t>(std::min(batch_size_, end_ - begin_));
  if (shuffled_) {
    first_ = static_cast<std::size_t>(begin_);
  } else {
    order_.resize(count_);
    std::iota(order_.begin(), order_.end(), begin_);
  }
}

void BatchCursor::check_not_done() const {
  check(!done(), "DataLoader", "expected a batch that is left, got the end of the pass");
}

void check_options(const DataLoaderOptions& options) {
  check(options.batch_size > 0, "DataLoader", "expected batch_size > 0, got {}",
        options.batch_size);
}

Size number_of_batches(Size samples, const DataLoaderOptions& options) {
  const Size whole = samples / options.batch_size;
  return whole + (!options.drop_last && samples % options.batch_size > 0 ? 1 : 0);
}

}  // namespace reel::detail
