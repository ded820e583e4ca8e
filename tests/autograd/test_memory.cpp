// What training keeps: nothing, from one step to the next.

#include <doctest/doctest.h>

#include <unistd.h>
#include <fstream>

#include "reel/autograd/checkpoint.h"
#include "reel/autograd/saved_tensors_hooks.h"
#include "reel/autograd/tape.h"
#include "reel/base/detail/memory_counters.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"

using namespace reel;
using detail::memory_in_use;

namespace {

// A sanitizer keeps freed memory for a while.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool frees_at_once = false;
#elif defined(__has_feature)
constexpr bool frees_at_once =
    !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer);
#else
constexpr bool frees_at_once = true;
#endif

/// Bytes of the process that are in memory; 0 where the system does not tell.
std::int64_t resident() {
  std::ifstream file("/proc/self/statm");
  std::int64_t pages = 0, in_memory = 0;
  file >> pages >> in_memory;
  return in_memory * sysconf(_SC_PAGESIZE);
}

struct Net {
  nn::Linear first{16, 32};
  nn::LSTM lstm{.input_size = 8, .hidden_size = 8};
  nn::Linear last{8, 4};
};

/// A step through all that the tape has: views, changes in place, hooks, several outputs,
/// checkpoints, gradients of gradients, packed tensors.
void step(const Net& net, const Tensor& x) {
  Tensor h = net.first(x);
  h.register_hook([](const Tensor& dy) { return dy * 0.5; });
  h[0].mul_(2);
  h.slice(1, 0, 8).add_(h.slice(1, 8, 16).clone());
  const Tensor sequence = h.view({4, 4, 8});
  Tensor y = net.lstm(sequence).output;
  y = checkpoint([](const Tensor& z) { return tanh(z) * z; }, y);
  const auto parts = y.split(2);
  parts[0].relu_();
  Tensor loss;
  {
    const SavedTensorsHooks hooks{[](const Tensor& z) { return z.clone(); },
                                  [](const Tensor& z) { return z; }};
    loss = (net.last(y) * net.last(parts[1])[0]).sum();
  }
  const Tensor g = grad(loss, net.last.weight, {.create_graph = true});
  (loss + (g * g).sum()).backward();
  for (const Tensor& parameter : nn::parameters(net)) parameter.set_grad({});
}

}  // namespace

TEST_CASE("ten thousand steps take no more memory than one thousand") {
  manual_seed(1);
  const Net net;
  const Tensor x = randn({4, 16});
  for (int i = 0; i < 1000; ++i) step(net, x);
  const std::int64_t in_use = memory_in_use(), before = resident();
  for (int i = 0; i < 9000; ++i) step(net, x);
  CHECK(memory_in_use() == in_use);
  if (frees_at_once) CHECK(resident() <= before + (1 << 20));
}

TEST_CASE("after backward what was saved is gone, though the results are there") {
  const Tensor x = randn({1000}, {.requires_grad = true});
  const std::int64_t before = memory_in_use();
  const Tensor y = exp(sin(x) * cos(x));
  const Tensor loss = y.sum();
  const std::int64_t with_graph = memory_in_use() - before;
  loss.backward();
  const std::int64_t after = memory_in_use() - before;
  CHECK(with_graph > 3 * 4000);  // the sine, the cosine and y
  CHECK(after < 3 * 4000);       // y, the gradient, nodes
}

TEST_CASE("a view keeps the memory that it shows, and no results that led there") {
  const std::int64_t before = memory_in_use();
  Tensor row;
  {
    const Tensor whole = zeros({1000}) + 1;
    row = whole[3];
  }
  CHECK(memory_in_use() - before < 4000 + 1000);
  row = {};
  CHECK(memory_in_use() == before);
}

TEST_CASE("a graph that is never walked goes with its tensors, also what was written in place") {
  const std::int64_t before = memory_in_use();
  {
    const Tensor w = randn({100}, {.requires_grad = true});
    const Tensor rows = zeros({10, 100});
    for (Size i = 0; i < 10; ++i) rows[i] = w * static_cast<double>(i);
    const Tensor part = rows[2];
    part.retain_grad();
    part.mul_(2);
    rows.sum(0);
  }
  CHECK(memory_in_use() == before);
}
