// Threads that share leaves, graphs, trunks and heads; backward within backward. Meant for the
// thread sanitizer too: ops stay on their thread.

#include <doctest/doctest.h>

#include <array>
#include <barrier>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "reel/autograd/tape.h"
#include "reel/base/threads.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace {

struct OneThreadEach {
  OneThreadEach() : before(get_num_threads()) { set_num_threads(1); }
  ~OneThreadEach() { set_num_threads(before); }
  int before;
};

/// Runs `work(0)`, `work(1)`, ... at once; gives the messages of what they throw.
std::vector<std::string> in_threads(int count, const std::function<void(int)>& work) {
  std::barrier start(count);
  std::vector<std::string> errors(static_cast<std::size_t>(count));
  std::vector<std::thread> threads;
  for (int id = 0; id < count; ++id) {
    threads.emplace_back([&, id] {
      const OneThreadEach one;
      start.arrive_and_wait();
      try {
        work(id);
      } catch (const std::exception& error) {
        errors[static_cast<std::size_t>(id)] = error.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::erase(errors, "");
  return errors;
}

void check_none(const std::vector<std::string>& errors) {
  for (const std::string& error : errors) FAIL_CHECK(error);
}

Tensor leaf(const Shape& shape, double value = 1) {
  return full(shape, value, {.dtype = float64, .requires_grad = true});
}

/// A long way from a leaf, so that threads meet on it.
Tensor trunk_of(const Tensor& w, int length) {
  Tensor x = w;
  for (int i = 0; i < length; ++i) x = x * 1.0;
  return x;
}

}  // namespace

TEST_CASE("threads that share a leaf lose no gradient, and its tensor stays the same") {
  const OneThreadEach one;
  constexpr int rounds = 5000;
  const Tensor w = leaf({64});
  const Tensor flat = zeros({64}, {.dtype = float64});
  w.set_grad(flat);
  check_none(in_threads(3, [&](int) {
    for (int i = 0; i < rounds; ++i) (w * 1.0).sum().backward();
  }));
  CHECK(w.grad().is_same(flat));
  CHECK(flat[63].item() == 3 * rounds);
}

TEST_CASE("threads that bring a leaf its first gradient") {
  const OneThreadEach one;
  constexpr std::size_t rounds = 2000;
  std::vector<Tensor> leaves;
  for (std::size_t i = 0; i < rounds; ++i) leaves.push_back(leaf({}));
  check_none(in_threads(3, [&](int id) {
    for (const Tensor& w : leaves) (w * (id + 1)).backward();
  }));
  int wrong = 0;
  for (const Tensor& w : leaves) wrong += w.grad().item() != 1 + 2 + 3;
  CHECK(wrong == 0);
}

TEST_CASE("threads that share a leaf and record the backward") {
  const OneThreadEach one;
  constexpr int rounds = 300;
  const Tensor w = leaf({}, 2);
  check_none(in_threads(2, [&](int) {
    for (int i = 0; i < rounds; ++i) (w * w).backward({.create_graph = true});
  }));
  CHECK(w.grad().item() == 2 * rounds * 4);
  CHECK(grad(w.grad(), w).item() == 2 * rounds * 2);
  w.set_grad({});
}

TEST_CASE("threads that walk one graph, retained, each add the whole gradient") {
  const OneThreadEach one;
  constexpr int rounds = 200;
  const Tensor w = leaf({8}, 2), shift = leaf({8});
  const Tensor loss = (exp(trunk_of(w, 20) * 0.0) * trunk_of(w, 20) * w + shift).sum();
  check_none(in_threads(3, [&](int) {
    for (int i = 0; i < rounds; ++i) loss.backward({.retain_graph = true});
  }));
  CHECK(w.grad()[7].item() == 3 * rounds * 4);
  CHECK(shift.grad()[7].item() == 3 * rounds);
}

TEST_CASE("threads with heads of their own over one trunk") {
  const OneThreadEach one;
  constexpr std::size_t rounds = 300;
  std::vector<Tensor> leaves;
  std::vector<std::array<Tensor, 2>> heads;
  for (std::size_t i = 0; i < rounds; ++i) {
    leaves.push_back(leaf({8}));
    const Tensor trunk = trunk_of(leaves.back(), 40);
    heads.push_back({(trunk * 2).sum(), (trunk * 3).sum()});
  }
  check_none(in_threads(2, [&](int id) {
    for (const auto& pair : heads)
      pair[static_cast<std::size_t>(id)].backward({.retain_graph = true});
  }));
  int wrong = 0;
  for (const Tensor& w : leaves) wrong += w.grad()[0].item() != 5;
  CHECK(wrong == 0);
}

TEST_CASE("threads over one trunk that is not retained: the whole gradient or the usual error") {
  const OneThreadEach one;
  constexpr std::size_t rounds = 300;
  std::vector<Tensor> leaves;
  std::vector<std::array<Tensor, 2>> heads;
  for (std::size_t i = 0; i < rounds; ++i) {
    leaves.push_back(leaf({8}));
    const Tensor trunk = exp(trunk_of(leaves.back(), 40) * 0.0) * leaves.back();
    heads.push_back({(trunk * 2).sum(), (trunk * 3).sum()});
  }
  std::array<std::vector<bool>, 2> failed;
  check_none(in_threads(2, [&](int id) {
    const auto mine = static_cast<std::size_t>(id);
    for (const auto& pair : heads) {
      bool error = false;
      try {
        pair[mine].backward();
      } catch (const Error& e) {
        if (std::string(e.what()).find("freed by an earlier backward") == std::string::npos) throw;
        error = true;
      }
      failed[mine].push_back(error);
    }
  }));
  int wrong = 0;
  for (std::size_t i = 0; i < rounds; ++i) {
    const bool a = failed[0][i], b = failed[1][i];
    const double got = leaves[i].grad()[0].item();
    // A walk that failed may have brought the leaf a part of its gradient, the direct one.
    wrong += (a && b) || (!a && !b && got != 5) || got < (a ? 3 : 2);
  }
  CHECK(wrong == 0);
}

TEST_CASE("threads that ask for gradients of one graph get each its own") {
  const OneThreadEach one;
  const Tensor w = leaf({8}, 3);
  const Tensor middle = trunk_of(w, 20) * w;
  const Tensor loss = (middle * middle).sum();
  check_none(in_threads(3, [&](int id) {
    for (int i = 0; i < 200; ++i) {
      const bool create = id == 2;
      const auto g = grad({loss}, {w, middle}, {.retain_graph = true, .create_graph = create});
      if (g[0][1].item() != 108 || g[1][1].item() != 18) throw Error("wrong gradient");
      if (create && grad(g[0].sum(), w, {.retain_graph = true})[1].item() != 108)
        throw Error("wrong second gradient");
    }
  }));
  CHECK_FALSE(w.grad().defined());
}

TEST_CASE("a leaf's gradient may be read and cleared while other threads add to it") {
  const OneThreadEach one;
  const Tensor w = leaf({8});
  check_none(in_threads(3, [&](int id) {
    for (int i = 0; i < 2000; ++i) {
      if (id < 2) {
        (w * 1.0).sum().backward();
      } else if (i % 2 == 0) {
        w.set_grad({});
      } else if (const Tensor g = w.grad(); g.defined() && g.shape() != w.shape()) {
        throw Error("a gradient of another shape");
      }
    }
  }));
}

TEST_CASE("a rule may run backward on a graph of its own") {
  const Tensor w = leaf({}, 3);
  const Tensor y = record("nested", (w * w).detach(), wrt(w, [w = save(w)](const Tensor& dy) {
                            const EnableGradGuard again;
                            const Tensor x = w().detach().requires_grad_();
                            (x * x).backward();
                            return dy * x.grad();
                          }));
  (y + w).backward();
  CHECK(w.grad().item() == 7);
}

TEST_CASE("a rule may run backward on the graph that is being walked") {
  const Tensor w = leaf({}, 3);
  const Tensor below = w * w;
  int runs = 0;
  // Young, so that it runs first, while `below` already waits with the gradient of the addition.
  const Tensor y = record("reenter", below.detach() * 1, wrt(below, [&](const Tensor& dy) {
                            ++runs;
                            below.backward({.retain_graph = true});
                            return dy + grad(below, w, {.retain_graph = true}) * 0;
                          }));
  const Tensor loss = y + below;
  loss.backward();
  CHECK(runs == 1);
  CHECK(w.grad().item() == 6 * (1 + 2));
}

TEST_CASE("a rule may run the very op whose rule it is, and free the graph under itself") {
  const Tensor w = leaf({}, 3);
  int depth = 0;
  Tensor y;
  y = record("again", (w * w).detach(), wrt(w, [&, kept = save(w)](const Tensor& dy) {
               if (++depth < 4) y.backward({.gradient = dy * 0.5});
               if (depth == 4) y = Tensor();
               return dy * 2 * kept;
             }));
  y.backward();
  CHECK(depth == 4);
  CHECK(w.grad().item() == 6 * (1 + 0.5 + 0.25 + 0.125));
}

TEST_CASE("after an error in a walk within a walk the graph can be walked again") {
  const Tensor w = leaf({}, 3);
  const Tensor below = w * w;
  bool fails = true;
  const Tensor y =
      record("outer", below.detach() * 1, wrt(below, [&](const Tensor& dy) {
               const EnableGradGuard again;
               auto rule = [&](const Tensor& d) { return fails ? throw Error("x") : d; };
               const Tensor bad = record("bad", w.detach() * 1, wrt(w, rule));
               // It is not the first to bring `below` a gradient, and leaves it one.
               (bad + below * 1).backward({.retain_graph = true});
               return dy;
             }));
  const Tensor loss = y + below;
  CHECK_THROWS_AS(loss.backward({.retain_graph = true}), Error);
  w.set_grad({});
  fails = false;
  loss.backward();
  CHECK(w.grad().item() == 12 + 1 + 6);
}
