// Google Benchmark times one case after the other: it finds how many iterations fill a repetition
// and shuffles the repetitions of all sides, so that whatever else happens on the machine meets all
// of them alike.

#include "measure.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <exception>

namespace bench {

namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double units_a_second(const std::string& unit) {
  if (unit == "ns") return 1e9;
  if (unit == "us") return 1e6;
  if (unit == "ms") return 1e3;
  return 1;
}

using Samples = std::map<std::string, std::vector<double>>;  // side -> seconds an iteration

/// Only collects; the table is our own.
class Collector final : public benchmark::BenchmarkReporter {
 public:
  explicit Collector(Samples& samples) : samples_(samples) {}

  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred) {
        std::fprintf(stderr, "[bench] %s failed: %s\n", run.run_name.function_name.c_str(),
                     run.error_message.c_str());
      }
      if (run.run_type != Run::RT_Iteration || run.error_occurred) continue;
      samples_[run.run_name.function_name].push_back(run.real_accumulated_time /
                                                     static_cast<double>(run.iterations));
    }
  }

 private:
  Samples& samples_;
};

/// Tells Google Benchmark once to shuffle the sides.
void initialise() {
  std::string name = "reel_bench", interleave = "--benchmark_enable_random_interleaving=true";
  char* arguments[] = {name.data(), interleave.data(), nullptr};
  int count = 2;
  benchmark::Initialize(&count, arguments);
}

void run_all(const std::map<std::string, Step>& steps, bool quick, Samples& samples) {
  static const bool initialised = (initialise(), true);
  static_cast<void>(initialised);
  for (const auto& [side, step] : steps) {
    benchmark::RegisterBenchmark(side.c_str(),
                                 [&step = step](benchmark::State& state) {
                                   const benchmark::IterationCount n = state.max_iterations;
                                   try {
                                     while (state.KeepRunningBatch(n)) {
                                       state.SetIterationTime(step(n));
                                     }
                                   } catch (const std::exception& error) {
                                     state.SkipWithError(error.what());
                                   }
                                 })
        ->UseManualTime()
        ->MinTime(quick ? 0.02 : 0.1)
        ->Repetitions(quick ? 3 : 5);
  }
  Collector collector(samples);
  benchmark::RunSpecifiedBenchmarks(&collector);
  benchmark::ClearRegisteredBenchmarks();
}

void run_programs(const std::map<std::string, Step>& steps, int times, Samples& samples) {
  for (int i = 0; i < times; ++i) {
    for (const auto& [side, step] : steps) {
      try {
        samples[side].push_back(step(1));
      } catch (const std::exception& error) {
        std::fprintf(stderr, "[bench] %s failed: %s\n", side.c_str(), error.what());
      }
    }
  }
}

}  // namespace

double Row::of(const std::string& side) const {
  const auto found = medians.find(side);
  return found == medians.end() ? 0 : found->second;
}

std::string Row::best_peer() const {
  std::string best;
  for (const auto& [side, figure] : medians) {
    if (side == reel_side || side == limit_side) continue;
    if (best.empty() || figure < of(best)) best = side;
  }
  return best;
}

double Row::ratio() const {
  const double reel = of(reel_side);
  return reel > 0 ? of(best_peer()) / reel : 0;
}

Row measure(const Case& c, const std::vector<Side>& sides, bool quick) {
  std::map<std::string, Step> steps;
  for (const Side& side : sides) {
    try {
      Step step = side.make(c);
      if (!step) continue;
      if (c.programs == 0) step(1);  // a first, cold iteration: nobody's figure
      steps[side.name] = std::move(step);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "[bench] %s cannot run %s: %s\n", side.name.c_str(), c.name().c_str(),
                   error.what());
    }
  }
  Samples samples;
  if (c.programs > 0) {
    run_programs(steps, quick ? 1 : c.programs, samples);
  } else if (!steps.empty()) {
    run_all(steps, quick, samples);
  }

  Row row{.what = c, .medians = {}};
  const double scale = c.unit == "MiB" ? 1 : units_a_second(c.unit) / c.per;
  for (const auto& [side, seconds] : samples) {
    if (!seconds.empty()) row.medians[side] = median(seconds) * scale;
  }
  return row;
}

}  // namespace bench
