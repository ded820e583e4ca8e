#include "reel/datasets/data_loader.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <thread>

#include "reel/autograd/random.h"
#include "reel/base/detail/random_stream.h"
#include "reel/base/fail.h"
#include "reel/kernels/alone.h"

namespace reel::detail {
namespace {

constexpr const char* op = "DataLoader";

Size batches_in(Size samples, Size batch_size, bool drop_last) {
  return samples / batch_size + (!drop_last && samples % batch_size > 0 ? 1 : 0);
}

/// Signals are for the program's own threads.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

BatchPlan::BatchPlan(Size samples, const DataLoaderOptions& options, std::uint64_t seed,
                     std::uint64_t epoch)
    : batch_size_(options.batch_size), samples_(samples), seed_(seed), epoch_(epoch) {
  if (options.batch_sampler.defined()) {
    batched_ = true;
    batches_ = options.batch_sampler.batches(epoch);
    size_ = static_cast<Size>(batches_.size());
    return;
  }
  ordered_ = options.shuffle || options.sampler.defined();
  if (options.sampler.defined()) {
    order_ = options.sampler.indices(epoch);
    samples_ = static_cast<Size>(order_.size());
  } else if (options.shuffle) {
    order_ = shuffled_indices(samples, seed, epoch);
  }
  size_ = batches_in(samples_, batch_size_, options.drop_last);
}

std::span<const Size> BatchPlan::indices(Size batch, std::vector<Size>& scratch) const {
  check_not_at_end(*this, batch);
  if (batched_) return batches_[static_cast<std::size_t>(batch)];
  const Size first = batch * batch_size_;
  const auto count = static_cast<std::size_t>(std::min(batch_size_, samples_ - first));
  if (ordered_) return {order_.data() + first, count};
  scratch.resize(count);
  std::iota(scratch.begin(), scratch.end(), first);
  return scratch;
}

std::uint64_t BatchPlan::seed_of(Size batch) const {
  detail::RandomStream stream(seed_, epoch_);
  return detail::RandomStream(stream.bits(), static_cast<std::uint64_t>(batch)).bits();
}

/// A ring of batches: number k is in slot k % ahead, free again once it is taken.
struct BatchWorkers::State {
  struct Slot {
    MadeBatch made;
    bool ready = false;
  };

  State(Size ahead, Size first, Size count, MakeBatch make_batch)
      : slots(static_cast<std::size_t>(ahead)),
        next(first),
        taken(first),
        end(count),
        make(std::move(make_batch)) {}

  /// Ends the threads, also where not all of them could be started.
  ~State() {
    {
      const std::lock_guard lock(mutex);
      stopped = true;
    }
    room.notify_all();
    for (std::thread& thread : threads) thread.join();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Slot& slot(Size batch) { return slots[static_cast<std::size_t>(batch) % slots.size()]; }
  bool has_room() const { return next - taken < static_cast<Size>(slots.size()); }

  void work() {
    kernels::work_alone();
    for (std::unique_lock lock(mutex);;) {
      room.wait(lock, [&] { return stopped || next == end || has_room(); });
      if (stopped || next == end) return;
      const Size batch = next++;
      lock.unlock();
      MadeBatch made;
      try {
        made.batch = make(batch);
      } catch (...) {
        made.error = std::current_exception();
      }
      lock.lock();
      slot(batch) = {std::move(made), true};
      // Whoever waits, waits for one batch: which one, only it knows.
      ready.notify_all();
    }
  }

  std::mutex mutex;
  std::condition_variable room, ready;
  std::vector<Slot> slots;
  Size next;   // to be begun
  Size taken;  // and those before
  Size end;
  bool stopped = false;
  MakeBatch make;
  std::vector<std::thread> threads;
};

BatchWorkers::BatchWorkers(Size workers, Size ahead, Size first, Size count, MakeBatch make)
    : state_(std::make_unique<State>(ahead, first, count, std::move(make))) {
  const SignalsBlocked blocked;
  // More would have nothing to do.
  for (Size i = 0; i < std::min(workers, count - first); ++i) {
    state_->threads.emplace_back([state = state_.get()] { state->work(); });
  }
}

BatchWorkers::~BatchWorkers() = default;

MadeBatch BatchWorkers::take() {
  std::unique_lock lock(state_->mutex);
  State::Slot& slot = state_->slot(state_->taken);
  state_->ready.wait(lock, [&] { return slot.ready; });
  MadeBatch made = std::move(slot.made);
  slot = {};
  ++state_->taken;
  lock.unlock();
  state_->room.notify_one();
  return made;
}

void check_options(const DataLoaderOptions& options) {
  constexpr Size most_workers = 1024, most_ahead = 1 << 20;
  check(options.batch_size > 0, op, "expected batch_size > 0, got {}", options.batch_size);
  check(options.num_workers >= 0 && options.num_workers <= most_workers, op,
        "expected num_workers in [0, {}], got {}", most_workers, options.num_workers);
  check(options.prefetch_factor >= 1 && options.prefetch_factor <= most_ahead, op,
        "expected prefetch_factor in [1, {}], got {}", most_ahead, options.prefetch_factor);
  check(!options.sampler.defined() || !options.shuffle, op,
        "expected no shuffle beside a sampler, which gives the order, got shuffle = true");
  check(!options.batch_sampler.defined() || (options.batch_size == 1 && !options.shuffle &&
                                             !options.drop_last && !options.sampler.defined()),
        op,
        "expected no batch_size, shuffle, sampler or drop_last beside a batch_sampler, which makes "
        "the batches, got some");
}

void check_position(Size batches) {
  check(batches >= 0, op, "expected a number of batches to go on behind, got {}", batches);
}

void check_not_at_end(const BatchPlan& plan, Size batch) {
  check(batch < plan.size(), op, "expected a batch that is left, got the end of the pass");
}

Size number_of_batches(Size samples, const DataLoaderOptions& options) {
  if (options.batch_sampler.defined()) return options.batch_sampler.size();
  return batches_in(options.sampler.defined() ? options.sampler.size() : samples,
                    options.batch_size, options.drop_last);
}

std::uint64_t loader_seed(const DataLoaderOptions& options) {
  if (options.seed) return *options.seed;
  if (options.shuffle) return seed_from_generator();
  // Only what the set itself draws depends on it: nobody else's numbers are to change by it.
  const Generator::State state = default_generator().state();
  return detail::RandomStream(state.seed, state.offset).bits();
}

}  // namespace reel::detail
