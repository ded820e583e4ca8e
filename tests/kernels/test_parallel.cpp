#include "reel/kernels/parallel.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "reel/base/error.h"
#include "reel/base/threads.h"
#include "reel/ops/create/create.h"
#include "reel/ops/create/random.h"
#include "reel/ops/matmul/matmul.h"
#include "support/skip.h"

#if defined(__SANITIZE_THREAD__)
#define REEL_TEST_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define REEL_TEST_TSAN
#endif
#endif

using namespace reel;
using namespace reel::kernels;

namespace {

/// Sets the number of threads, and puts it back.
class Threads {
 public:
  explicit Threads(int threads) : before_(get_num_threads()) { set_num_threads(threads); }
  ~Threads() { set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

/// Whether every index of [0, n) was visited once.
bool covers(Size n, Size grain) {
  std::vector<int> visits(static_cast<std::size_t>(n), 0);
  parallel_for(n, grain, [&](Size begin, Size end) {
    for (Size i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
  });
  return visits == std::vector<int>(static_cast<std::size_t>(n), 1);
}

/// The exit status of a forked child that runs `f`; -1 if it is not done after ten seconds.
int status_of_child(const std::function<int()>& f) {
  const pid_t child = fork();
  if (child == 0) _exit(f());
  for (int i = 0; i < 1000; ++i) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child)
      return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return -1;
}

}  // namespace

TEST_CASE("parallel_for covers the range once with any number of threads") {
  for (int threads : {1, 2, 5}) {
    const Threads guard(threads);
    for (Size n : {0, 1, 63, 64, 1000, 100003}) {
      for (Size grain : {1, 64, 1000}) CHECK(covers(n, grain));
    }
  }
}

TEST_CASE("small work stays in one piece") {
  const Threads guard(4);
  int calls = 0;
  parallel_for(1000, parallel_grain, [&](Size begin, Size end) {
    ++calls;
    CHECK(begin == 0);
    CHECK(end == 1000);
  });
  CHECK(calls == 1);
}

TEST_CASE("parallel_for throws what a thread threw, after all have finished") {
  for (const int threads : {1, 2}) {
    const Threads guard(threads);
    std::atomic<Size> covered{0};
    auto run = [&] {
      parallel_for(1000, 1, [&](Size begin, Size end) {
        covered += end - begin;
        if (end == 1000) throw Error("the last range");
      });
    };
    CHECK_THROWS_WITH_AS(run(), "the last range", Error);
    CHECK(covered == 1000);
    CHECK(covers(1000, 1));  // and nothing is left of it
  }
}

TEST_CASE("a loop inside a loop runs on its own thread") {
  const Threads guard(3);
  std::atomic<int> strangers{0};
  std::atomic<Size> covered{0};
  parallel_for(6, 1, [&](Size begin, Size end) {
    const auto me = std::this_thread::get_id();
    parallel_for(1000, 1, [&](Size first, Size last) {
      if (std::this_thread::get_id() != me) ++strangers;
      covered += (last - first) * (end - begin);
    });
  });
  CHECK(strangers == 0);
  CHECK(covered == 6000);
}

TEST_CASE("a slow piece keeps nobody from the rest of that thread's share") {
  const Threads guard(2);
  // The first range ends only after all others: whoever runs it, the other thread does the rest.
  // Alone, the caller would wait for itself.
  std::atomic<Size> others{0};
  std::atomic<bool> in_time{true};
  parallel_for(8, 1, [&](Size begin, Size end) {
    if (begin != 0) {
      others += end - begin;
      return;
    }
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (others < 8 - end) {
      if (std::chrono::steady_clock::now() > give_up) {
        in_time = false;
        return;
      }
      std::this_thread::yield();
    }
  });
  CHECK(in_time);
}

TEST_CASE("several threads may call at once, and each gets its own result") {
  const Threads guard(3);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        if (!covers(997, 1)) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("the number of threads may change from one loop to the next") {
  for (int round = 0; round < 20; ++round) {
    for (int threads : {2, 7, 1, 3}) {
      const Threads guard(threads);
      CHECK(covers(5000, 1));
    }
  }
}

TEST_CASE("a forked child has threads of its own") {
#ifdef REEL_TEST_TSAN
  REEL_SKIP("ThreadSanitizer ends a forked child that starts a thread");
#endif
  const Threads guard(2);
  const Tensor a = rand({300, 300}), b = rand({300, 300});
  const Tensor product = matmul(a, b);
  CHECK(covers(100000, 1));
  const int status = status_of_child([&] {
    const Tensor again = matmul(a, b);
    bool same = covers(100000, 1);
    for (Size i = 0; i < 90000; ++i)
      same &= again.data_ptr<float>()[i] == product.data_ptr<float>()[i];
    return same ? 0 : 1;
  });
  CHECK(status == 0);
  CHECK(covers(100000, 1));  // and the parent keeps its own
}
