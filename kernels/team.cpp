#include "reel/kernels/team.h"

#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include "reel/kernels/alone.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

namespace reel::kernels::detail {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// A helper without work spins so long before it sleeps: longer than what lies between two loops of
// a training step. Longer spinning would take time from others' programs.
constexpr nanoseconds helper_spin = microseconds(200);
// The caller spins so long for helpers to finish: once asleep, it may have to wait for a CPU.
constexpr nanoseconds caller_spin = milliseconds(1);

/// True on helpers, and on a caller while its loop runs.
thread_local bool inside = false;

/// Spins until `ready()`; false if that takes longer than `time`.
template <class F>
bool spin(nanoseconds time, const F& ready) {
  if (ready()) return true;
  const Clock::time_point end = Clock::now() + time;
  do {
    for (int i = 0; i < 16; ++i) {
      if (ready()) return true;
#ifdef __SSE2__
      _mm_pause();
#endif
    }
  } while (Clock::now() < end);
  return false;
}

/// Pieces of a loop that nobody has begun: the next one and their end in one word, so that whoever
/// takes one takes it from the loop that they belong to.
class Share {
 public:
  void fill(Size first, Size end) {
    word_ = static_cast<std::uint64_t>(end) << 32 | static_cast<std::uint64_t>(first);
  }
  bool empty() const { return empty(word_); }
  /// A piece, or -1 if none is left.
  Size take() {
    if (empty()) return -1;
    const std::uint64_t word = word_++;
    return empty(word) ? -1 : static_cast<Size>(word & low);
  }

 private:
  static constexpr std::uint64_t low = 0xFFFFFFFF;
  static bool empty(std::uint64_t word) { return (word & low) >= word >> 32; }
  std::atomic<std::uint64_t> word_{0};
};

/// One thread's place in the team, on cache lines of its own.
struct alignas(128) Place {
  Share share;
  std::atomic<int> asleep{0};
  std::atomic<Place*> next{nullptr};
  bool has_thread = false;
};

/// Keeps a helper off the caller's CPU. In a virtual machine, whose idle CPUs look taken, and
/// beside other programs the system likes to wake it just there; but there it waits for the very
/// thread that it is to help.
class Elsewhere {
 public:
#ifdef __linux__
  Elsewhere()
      : has_choice_(sched_getaffinity(0, sizeof all_, &all_) == 0 && CPU_COUNT(&all_) > 1) {}

  void than(int cpu) const {
    if (!has_choice_ || cpu < 0 || sched_getcpu() != cpu) return;
    cpu_set_t others = all_;
    CPU_CLR(cpu, &others);
    sched_setaffinity(0, sizeof others, &others);
  }
  static int here() { return sched_getcpu(); }

 private:
  cpu_set_t all_;
  bool has_choice_;
#else
  void than(int) const {}
  static int here() { return -1; }
#endif
};

/// What helpers cost and save, as measured while they work: whether to ask them.
class Account {
 public:
  /// Whether the caller works by itself for now.
  bool alone(Clock::time_point now) const { return now < alone_until_; }

  /// What the loop took one thread the last time; long if it is new.
  nanoseconds& work_of(const Split& split) {
    const auto key = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(split.range)) +
                     static_cast<std::uint64_t>(split.n) * 0x9E3779B97F4A7C15U;
    Past& past = pasts_[key * 0x9E3779B97F4A7C15U >> 58];
    if (past.range != split.range || past.n != split.n) past = {split.range, split.n, wake_price};
    return past.work;
  }

  /// Whether helpers that sleep are worth waking for so much work: it takes the caller some ten
  /// microseconds. Small loops in quick succession add up, others are forgotten in between.
  bool worth_waking(nanoseconds work, Clock::time_point now) {
    missed_ = std::max(nanoseconds{0}, missed_ - (now - last_) / 8) + work;
    last_ = now;
    if (missed_ < wake_price) return false;
    missed_ = nanoseconds{0};
    return true;
  }

  /// Books a loop of so much work, of which helpers that were awake did what would have taken the
  /// caller `saved`, and for whose last pieces it `waited`. Where others' programs want the CPUs,
  /// helpers come late or lose theirs in the middle of a piece. Then the caller soon works alone,
  /// for longer each time that it finds them so again.
  void book(nanoseconds work, int threads, nanoseconds saved, nanoseconds waited,
            Clock::time_point now) {
    const nanoseconds due = work * (threads - 1) / threads * 2 / 5;
    balance_ = std::min(balance_ + saved - waited - due, credit);
    if (balance_ == credit) pause_ = shortest_pause;
    if (balance_ > -credit) return;
    alone_until_ = now + pause_;
    pause_ = std::min(2 * pause_, longest_pause);
    balance_ = nanoseconds{0};
  }

 private:
  static constexpr nanoseconds wake_price = microseconds(20), credit = milliseconds(2);
  static constexpr nanoseconds shortest_pause = milliseconds(10);
  static constexpr nanoseconds longest_pause = milliseconds(300);

  struct Past {
    Range range = nullptr;
    Size n = 0;
    nanoseconds work{0};
  };
  std::array<Past, 64> pasts_;
  nanoseconds missed_{0}, balance_{0}, pause_ = shortest_pause;
  Clock::time_point last_, alone_until_;
};

class Team {
 public:
  static Team& get();

  /// False if the caller should rather work alone: another thread has the team, or it does not pay.
  bool try_run(const Split& split, int threads);

 private:
  void run(int threads);
  void hire(int threads);
  int publish(Size pieces, int threads);
  void wake_sleepers();
  int work(Place& own);
  void run_piece(Size piece);
  void help(Place& own);
  void join(Size pieces);
  void start_anew();

  std::atomic_flag taken_;
  Account account_;
  Place caller_;  // the first in the list of places
  Split split_;
  std::atomic<int> caller_cpu_{-1};
  std::atomic_flag failed_;
  std::exception_ptr thrown_;
  alignas(128) std::atomic<int> finished_{0};  // pieces
};

Team& Team::get() {
  // Never destroyed, and its threads never joined: they sleep when the program ends.
  static Team* const team = [] {
    pthread_atfork(nullptr, nullptr, [] { get().start_anew(); });
    return new Team;
  }();
  return *team;
}

/// In the child of a fork, where the threads do not exist.
void Team::start_anew() {
  for (Place* place = &caller_; place != nullptr; place = place->next) {
    place->share.fill(0, 0);
    place->asleep = 0;
    place->has_thread = false;
  }
  taken_.clear();
}

void Team::hire(int threads) {
  Place* place = &caller_;
  for (int i = 1; i < threads; ++i) {
    if (place->next == nullptr) place->next = new Place;
    place = place->next;
    if (place->has_thread) continue;
    place->has_thread = true;  // should the system refuse one, the others do its share
    sigset_t all, before;      // signals are for the program's own threads
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      std::thread([this, place] { help(*place); }).detach();
    } catch (const std::system_error&) {
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
}

/// Gives everybody pieces; returns how many helpers are asleep.
int Team::publish(Size pieces, int threads) {
  int asleep = 0, i = 0;
  for (Place* place = &caller_; i < threads; place = place->next, ++i) {
    place->share.fill(pieces * i / threads, pieces * (i + 1) / threads);
    asleep += place->asleep;
  }
  return asleep;
}

void Team::wake_sleepers() {
  for (Place* place = caller_.next; place != nullptr; place = place->next) {
    if (place->asleep == 0 || place->share.empty()) continue;
    place->asleep = 0;
    place->asleep.notify_one();
  }
}

void Team::help(Place& own) {
  inside = true;
  omp_set_num_threads(1);  // for the libraries beneath
  const Elsewhere elsewhere;
  for (;;) {
    elsewhere.than(caller_cpu_);
    if (!spin(helper_spin, [&] { return !own.share.empty(); })) {
      own.asleep = 1;
      if (own.share.empty()) own.asleep.wait(1);
      own.asleep = 0;
    }
    if (work(own) > 0) finished_.notify_one();
  }
}

/// Does pieces until none is left, and returns how many: first its own, whose data may lie in this
/// core's cache from the last time, then those of threads that come late.
int Team::work(Place& own) {
  int done = 0;
  Place* place = &own;
  do {
    for (Size piece; (piece = place->share.take()) >= 0; ++done) run_piece(piece);
    place = place->next;
    if (place == nullptr) place = &caller_;
  } while (place != &own);
  if (done > 0) finished_ += done;
  return done;
}

void Team::run_piece(Size piece) {
  const Size begin = piece * split_.length;
  try {
    split_.range(split_.context, begin, std::min(split_.n, begin + split_.length));
  } catch (...) {
    if (!failed_.test_and_set()) thrown_ = std::current_exception();
  }
}

void Team::join(Size pieces) {
  const auto all = [&] { return finished_ == pieces; };
  if (spin(caller_spin, all)) return;
  while (!all()) {
    const int now = finished_;
    if (now != pieces) finished_.wait(now);
  }
}

void Team::run(int threads) {
  const Size pieces = split_.pieces();
  finished_ = 0;
  caller_cpu_ = Elsewhere::here();
  const Clock::time_point begin = Clock::now();
  nanoseconds& work_time = account_.work_of(split_);
  const bool all_awake = publish(pieces, threads) == 0;
  if (!all_awake && account_.worth_waking(work_time, begin)) wake_sleepers();
  const int own = work(caller_);
  const Clock::time_point worked = Clock::now();
  join(pieces);
  if (own == 0) return;
  work_time = (worked - begin) * pieces / own;
  if (!all_awake) return;
  const Clock::time_point end = Clock::now();
  account_.book(work_time, threads, work_time - (worked - begin), end - worked, end);
}

bool Team::try_run(const Split& split, int threads) {
  if (taken_.test_and_set(std::memory_order_acquire)) return false;
  const bool alone = account_.alone(Clock::now());
  std::exception_ptr thrown;
  if (!alone) {
    inside = true;
    hire(threads);
    split_ = split;
    run(threads);
    inside = false;
    if (failed_.test()) {
      thrown = std::exchange(thrown_, nullptr);
      failed_.clear();
    }
  }
  taken_.clear(std::memory_order_release);
  if (thrown != nullptr) std::rethrow_exception(thrown);
  return !alone;
}

}  // namespace

bool in_split() { return inside || omp_in_parallel() != 0; }

void run_on_team(const Split& split, int threads) {
  if (!Team::get().try_run(split, threads)) split.range(split.context, 0, split.n);
}

}  // namespace reel::kernels::detail

void reel::kernels::work_alone() {
  detail::inside = true;
  omp_set_num_threads(1);  // for the libraries beneath
}
