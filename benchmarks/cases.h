#pragma once

// What is measured: every case is named once, and each side (Reel, its peers, the machine itself)
// registers how it runs it.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

/// One row of the table: "mlp_train/batch:32/threads:2".
struct Case {
  std::string what;
  std::string label = {};  // what `size` counts: "batch", "n"
  std::int64_t size = 0;   // none where 0
  int threads = 1;
  std::string unit = "us";  // "ns", "us", "ms", "s" of time; "MiB"
  double per = 1;           // operations or samples in one iteration: the figure is for one of them
  int programs = 0;         // how many whole programs make the figure; 0: iterations do

  std::string name() const;
};

/// Runs an iteration n times and returns the seconds they took together (MiB: n times the figure).
using Step = std::function<double(std::int64_t n)>;

/// Prepares a case: makes tensors and models, compiles, warms up. No step where the side lacks it.
using MakeStep = std::function<Step(const Case&)>;

struct Side {
  std::string name;
  MakeStep make;
};

inline constexpr const char* reel_side = "Reel";
inline constexpr const char* torch_side = "libtorch";
inline constexpr const char* limit_side = "limit";

/// All cases, for each of these numbers of threads.
std::vector<Case> all_cases(const std::vector<int>& threads);

/// How the cost of training grows: cases of Reel alone, one thread, several sizes each.
std::vector<Case> scaling_cases();

/// Registers a side's way to run what is called `what`. Returns true, for static initialisers.
bool add_runner(const std::string& side, const std::string& what, MakeStep make);

/// Whether anything was registered for the side, and its way to run a case (maybe none).
bool has_side(const std::string& side);
Step make_step(const std::string& side, const Case& c);

/// A step of n calls of `f`, after `prepare()` outside the clock.
template <class Prepare, class F>
Step repeat(Prepare prepare, F f) {
  return [prepare, f](std::int64_t n) mutable {
    prepare();
    const auto start = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < n; ++i) f();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
}

/// Cases of `size` elements that need a matrix have this many columns; 1000 elements have 100.
inline std::int64_t columns(std::int64_t size) { return size < 10000 ? 100 : 1000; }

/// Links in the chain of scalar operations, y = y * w + b: two operations each.
inline constexpr int scalar_links = 50;

/// What the data loaders go through: pictures of Fashion-MNIST's shape.
inline constexpr std::int64_t loader_samples = 20000;

}  // namespace bench
