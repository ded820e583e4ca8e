#include "reel/autograd/profiler/profiler.h"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "reel/autograd/tape.h"
#include "reel/base/allocator.h"
#include "reel/base/detail/memory_counters.h"
#include "reel/base/error.h"
#include "reel/datasets/data_loader.h"
#include "reel/ops/ops.h"
#include "reel/optim/adam.h"
#include "support/trace_check.h"

using namespace reel;
using profiler::Profile;
using profiler::Range;
using testing::events_of;
using testing::trace_of;
using testing::TraceEvent;

namespace {

void check_is_plausible(const Profile& profile) {
  for (const profiler::Row& row : profile.rows()) {
    CAPTURE(row.name);
    CHECK(row.calls > 0);
    CHECK(row.self_time >= 0);
    CHECK(row.self_time <= row.total_time);
    CHECK(row.self_allocations <= row.allocations);
    CHECK(row.self_bytes <= row.bytes);
    CHECK(row.system_calls <= row.self_allocations + 1);  // a slab serves later ones too
    CHECK(row.peak_bytes >= 0);
  }
}

}  // namespace

TEST_CASE("a profile counts the ops of a training step") {
  const Tensor x = rand({4, 3}), target = rand({4, 2});
  Tensor w = rand({3, 2}, {.requires_grad = true});
  Profile profile;
  for (int step = 0; step < 3; ++step) {
    const Tensor loss = mean(square(tanh(matmul(x, w)) - target));
    loss.backward();
    w.set_grad({});
  }
  for (const char* op : {"matmul", "tanh", "sub", "square", "mean"}) {
    CAPTURE(op);
    CHECK(profile[std::string(op) + " backward"].calls == 3);
  }
  for (const char* op : {"tanh", "sub", "square", "tanh_backward", "backward"}) {
    CAPTURE(op);
    CHECK(profile[op].calls == 3);
  }
  CHECK(profile["mean"].calls == 3);
  CHECK(profile["matmul"].calls + profile["mm"].calls == 6);  // one forward, one for dw
  CHECK(profile["exp"].calls == 0);
  CHECK(profile["matmul"].name == "matmul");
  check_is_plausible(profile);
  const profiler::Row all = profile["backward"];
  CHECK(all.self_time < all.total_time);
  CHECK(all.total_time >= profile["tanh backward"].total_time);
}

TEST_CASE("a profile sees ops without the tape, in place, and of every family") {
  const Tensor x = rand({2, 1, 4, 4}), w = rand({3, 1, 3, 3}), labels = tensor({0, 1});
  Profile profile;
  const NoGradGuard no_grad;
  exp(x);
  x.clone().add_(1).mul_(2).fill_(0);
  max(x, 3);
  softmax(x, 1);
  cat({x, x}, 0);
  stack({x, x});
  transpose(x, 2, 3).contiguous();
  conv2d(x, w, {});
  max_pool2d(x, 2);
  linear(rand({2, 3}), rand({4, 3}));
  cross_entropy_logits(rand({2, 3}), labels);
  x.to(float64);
  gather(rand({2, 3}), 1, zeros({2, 1}, {.dtype = int64}));
  index_select(rand({2, 3}), 0, labels);
  eq(x, 0);
  layer_norm(rand({2, 3}), {3});
  cumsum(x, 0);
  x.sum({0});
  arange(3);
  for (const char* op :
       {"exp",        "clone",      "add_",          "mul_",      "fill_",      "max",
        "softmax",    "cat",        "stack",         "transpose", "contiguous", "conv2d",
        "max_pool2d", "linear",     "cross_entropy", "to",        "gather",     "index_select",
        "eq",         "layer_norm", "cumsum",        "sum",       "arange"}) {
    CAPTURE(op);
    CHECK(profile[op].calls >= 1);
  }
  // An op that calls on another of its own name, as `max` does, is one.
  CHECK(profile["max"].calls == 1);
  CHECK(profile["exp"].calls == 1);
  check_is_plausible(profile);
}

TEST_CASE("optimizers and loaders have rows") {
  const Tensor p = rand({3}, {.requires_grad = true});
  optim::Adam adam{{p}};
  Profile profile;
  for (auto [x, y] : DataLoader{TensorDataset(rand({6, 3}), zeros({6})), {.batch_size = 2}}) {
    adam.zero_grad();
    sum(p * x).backward();
    adam.step();
  }
  CHECK(profile["DataLoader.next"].calls == 3);
  CHECK(profile["Adam.zero_grad"].calls == 3);
  CHECK(profile["Adam.step"].calls == 3);
  CHECK(profile["backward"].calls == 3);
}

TEST_CASE("nothing is recorded outside a profile") {
  exp(rand({3}));
  { Range range{"nobody watches"}; }
  Profile profile;
  CHECK(profile.rows().empty());
  exp(rand({3}));
  profile.stop();
  const std::int64_t duration = profile.duration();
  exp(rand({3}));
  CHECK(profile["exp"].calls == 1);
  CHECK(profile["rand"].calls == 1);
  CHECK(profile["nobody watches"].calls == 0);
  CHECK(profile.duration() == duration);
  profile.stop();
}

TEST_CASE("ranges nest, and their times add up") {
  Profile profile;
  {
    Range outer{"outer"};
    for (int i = 0; i < 3; ++i) Range inner{std::string("in") + "ner"};
  }
  const profiler::Row outer = profile["outer"], inner = profile["inner"];
  CHECK(outer.calls == 1);
  CHECK(inner.calls == 3);
  CHECK(outer.self_time + inner.total_time == outer.total_time);
  CHECK(inner.self_time == inner.total_time);
}

TEST_CASE("a range within one of its own name is another call, but no more total time") {
  Profile profile;
  {
    Range outer{"same"};
    Range inner{"same"};
  }
  const profiler::Row row = profile["same"];
  CHECK(row.calls == 2);
  CHECK(row.self_time == row.total_time);
}

TEST_CASE("a range that only one end of lies in the profile is left out") {
  {
    std::vector<std::unique_ptr<Range>> open;
    open.push_back(std::make_unique<Range>("before"));
    {
      Profile profile;
      open.clear();
      open.push_back(std::make_unique<Range>("too long"));
      exp(rand({3}));
      profile.stop();
      open.push_back(std::make_unique<Range>("after"));
      open.clear();
      CHECK(profile["before"].calls == 0);
      CHECK(profile["too long"].calls == 0);
      CHECK(profile["after"].calls == 0);
      CHECK(profile["exp"].calls == 1);
    }
    Profile next;
    exp(rand({3}));
    CHECK(next["exp"].calls == 1);
    CHECK(next.rows().size() == 2);
  }
}

TEST_CASE("an event of one profile that ends in the next is in neither") {
  auto range = std::make_unique<Range>("nobody's");
  auto first = std::make_unique<Profile>();
  range = nullptr;
  range = std::make_unique<Range>("of the first");
  first = nullptr;
  Profile second;
  exp(rand({3}));
  range = nullptr;
  log(rand({3}));
  CHECK(second["of the first"].calls == 0);
  CHECK(second["exp"].calls == 1);
  CHECK(second["log"].calls == 1);
  CHECK(events_of(trace_of(second)).size() == 4);  // exp, log and the numbers for them
}

TEST_CASE("allocations and bytes are what the allocator counted") {
  Profile profile;
  const std::size_t before = memory_stats().allocations;
  std::size_t inside = 0;
  {
    Range range{"allocate"};
    const Tensor kept = empty({1000});
    const std::size_t own = memory_stats().allocations - before;
    {
      Range nested{"nested"};
      const Tensor large = empty({100000});
    }
    {
      Range later{"later"};
      const Tensor small = empty({10});
    }
    inside = memory_stats().allocations - before;
    CHECK(own < inside);
  }
  const profiler::Row row = profile["allocate"], nested = profile["nested"],
                      later = profile["later"];
  CHECK(row.allocations == static_cast<std::int64_t>(inside));
  CHECK(row.self_allocations + nested.allocations + later.allocations == row.allocations);
  CHECK(row.self_bytes + nested.bytes + later.bytes == row.bytes);
  CHECK(row.self_bytes >= 4000);
  CHECK(nested.bytes >= 400000);
  CHECK(nested.peak_bytes >= 400000);
  CHECK(row.peak_bytes >= 404000);
  CHECK(row.peak_bytes >= nested.peak_bytes);
  CHECK(profile.peak_bytes() >= row.peak_bytes);
}

TEST_CASE("a profile leaves the thread's own peak as it was") {
  { const Tensor large = empty({3'000'000}); }
  const std::int64_t before = detail::memory_peak();
  {
    Profile profile;
    exp(rand({10}));
    CHECK(profile.peak_bytes() > 0);
    CHECK(profile.peak_bytes() < 3'000'000 * 4);
  }
  CHECK(detail::memory_peak() == before);
}

TEST_CASE("blocks from the system are told apart") {
  empty_cache();
  Profile profile;
  for (const char* name : {"first", "second"}) {
    Range range{name};
    empty({1'234'567});
  }
  CHECK(profile["first"].system_calls >= 1);
  CHECK(profile["second"].system_calls == 0);
}

TEST_CASE("threads are recorded each for itself") {
  Profile profile;
  exp(rand({3}));
  std::thread([] {
    Range range{"other thread"};
    for (int i = 0; i < 3; ++i) exp(rand({3}));
  }).join();
  CHECK(profile["exp"].calls == 4);
  CHECK(profile["other thread"].calls == 1);
  std::map<int, int> exps;
  for (const TraceEvent& event : events_of(trace_of(profile))) {
    if (event.line.find(R"("name":"exp")") != std::string::npos) ++exps[event.thread];
  }
  CHECK(exps == std::map<int, int>{{1, 1}, {2, 3}});
  CHECK(profile.table().find("on 2 threads") != std::string::npos);
}

TEST_CASE("results can be read while other threads record") {
  Profile profile;
  std::atomic<bool> done{false};
  std::thread worker([&] {
    const Tensor x = rand({3});
    for (int i = 0; i < 2000; ++i) exp(x + i);
    done = true;
  });
  Size seen = 0;
  while (!done) {
    const Size calls = profile["exp"].calls;
    CHECK(calls >= seen);
    seen = calls;
    profile.table();
  }
  worker.join();
  CHECK(profile["exp"].calls == 2000);
}

TEST_CASE("a thread may outlive the profile that recorded it") {
  std::atomic<int> phase{0};
  auto profile = std::make_unique<Profile>();
  std::thread worker([&] {
    exp(rand({3}));
    phase = 1;
    while (phase != 2) std::this_thread::yield();
    exp(rand({3}));
  });
  while (phase != 1) std::this_thread::yield();
  CHECK((*profile)["exp"].calls == 1);
  profile = nullptr;
  profile = std::make_unique<Profile>();
  phase = 2;
  worker.join();
  CHECK((*profile)["exp"].calls == 1);
}

TEST_CASE("an exception through an op leaves the nesting right") {
  const Tensor a = rand({2}), b = rand({3});
  Profile profile;
  {
    Range outer{"outer"};
    CHECK_THROWS_AS(a + b, Error);
    CHECK_THROWS_AS(matmul(a, b), Error);
    CHECK_THROWS_AS(sum(a, {5}), Error);
    exp(a);
  }
  exp(b);
  CHECK(profile["outer"].calls == 1);
  CHECK(profile["add"].calls == 1);
  CHECK(profile["exp"].calls == 2);
  for (const TraceEvent& event : events_of(trace_of(profile))) {
    CHECK(event.thread == 1);
  }
  check_is_plausible(profile);
}

TEST_CASE("an exception through backward leaves the nesting right") {
  const Tensor x = rand({2}, {.requires_grad = true});
  const Tensor y = record("thrower", x.detach().clone(),
                          wrt(x, [](const Tensor&) -> Tensor { throw Error("no derivative"); }));
  Profile profile;
  CHECK_THROWS_AS(sum(y).backward(), Error);
  sum(x * x).backward();
  CHECK(profile["thrower backward"].calls == 1);
  CHECK(profile["backward"].calls == 2);
  CHECK(profile["mul backward"].calls == 1);
  check_is_plausible(profile);
}

TEST_CASE("there is one profile at a time") {
  {
    Profile first;
    CHECK_THROWS_WITH_AS(Profile(),
                         "[Profile] expected no other profile to be recording, got one\n"
                         "help: stop() it first",
                         Error);
    exp(ones({3}));
    CHECK(first["exp"].calls == 1);
    first.stop();
    Profile second;
    exp(ones({3}));
    CHECK(first["exp"].calls == 1);
    CHECK(second["exp"].calls == 1);
  }
  Profile third;
  CHECK(third.rows().empty());
}
