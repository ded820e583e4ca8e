// Runs every case on every side, in turns (random interleaving, several repetitions), and prints
// one row a case: medians, the ratio to the best peer, and with --json FILE the same as a list of
// objects.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "cases.h"

namespace {

struct Row {
  std::map<std::string, double> medians;  // side -> time
  std::string unit;
};

/// Collects medians while the console shows progress.
class TableReporter : public benchmark::ConsoleReporter {
 public:
  TableReporter() : ConsoleReporter(OO_None) {}

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Aggregate || run.aggregate_name != "median") continue;
      const std::string& full = run.run_name.function_name;
      const std::size_t slash = full.rfind('/');
      if (slash == std::string::npos) continue;
      const std::string name = full.substr(0, slash);
      if (!rows.contains(name)) order.push_back(name);
      Row& row = rows[name];
      row.medians[full.substr(slash + 1)] = run.GetAdjustedRealTime();
      row.unit = benchmark::GetTimeUnitString(run.time_unit);
    }
  }

  std::vector<std::string> order;
  std::map<std::string, Row> rows;
};

struct Best {
  std::string name;
  double time = 0;
};

Best best_peer(const Row& row) {
  Best best;
  for (const auto& [side, time] : row.medians) {
    if (side != bench::reel_side && (best.name.empty() || time < best.time)) best = {side, time};
  }
  return best;
}

void print_table(const TableReporter& report) {
  std::printf("%-44s %12s %12s %8s\n", "case", "reel", "best peer", "ratio");
  for (const std::string& name : report.order) {
    const Row& row = report.rows.at(name);
    const auto reel = row.medians.find(bench::reel_side);
    const Best peer = best_peer(row);
    std::printf("%-44s", name.c_str());
    reel != row.medians.end() ? std::printf(" %9.4g %-2s", reel->second, row.unit.c_str())
                              : std::printf(" %12s", "-");
    if (peer.name.empty()) {
      std::printf(" %12s %8s\n", "-", "-");
    } else if (reel == row.medians.end()) {
      std::printf(" %9.4g %-2s %8s  %s\n", peer.time, row.unit.c_str(), "-", peer.name.c_str());
    } else {
      std::printf(" %9.4g %-2s %7.2fx  %s\n", peer.time, row.unit.c_str(), peer.time / reel->second,
                  peer.name.c_str());
    }
  }
}

/// A field of a case's name, as in "mlp_train/batch:32/threads:1".
int field(const std::string& name, const std::string& key) {
  const std::size_t at = name.find(key + ":");
  return at == std::string::npos ? 1 : std::atoi(name.c_str() + at + key.size() + 1);
}

bool write_json(const TableReporter& report, const std::string& file) {
  std::ofstream out(file);
  out << "[";
  const char* separator = "\n";
  for (const std::string& name : report.order) {
    const Row& row = report.rows.at(name);
    const auto reel = row.medians.find(bench::reel_side);
    if (reel == row.medians.end()) continue;
    const Best peer = best_peer(row);
    out << separator << R"(  {"case": ")" << name << R"(", "threads": )" << field(name, "threads")
        << R"(, "unit": ")" << row.unit << R"(", "reel": )" << reel->second;
    if (!peer.name.empty()) {
      out << R"(, "peer": )" << peer.time << R"(, "peer_name": ")" << peer.name << R"(", "ratio": )"
          << peer.time / reel->second;
    }
    out << "}";
    separator = ",\n";
  }
  out << "\n]\n";
  return out.good();
}

}  // namespace

int main(int argc, char** argv) {
  std::string json;
  std::vector<std::string> arguments{argv[0], "--benchmark_enable_random_interleaving=true",
                                     "--benchmark_repetitions=5", "--benchmark_min_time=0.1",
                                     "--benchmark_report_aggregates_only=true"};
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--json" && i + 1 < argc) {
      json = argv[++i];
    } else if (argument == "--filter" && i + 1 < argc) {
      arguments.push_back(std::string("--benchmark_filter=") + argv[++i]);
    } else if (argument == "--quick") {
      arguments.push_back("--benchmark_repetitions=3");
      arguments.push_back("--benchmark_min_time=0.02");
    } else {
      arguments.push_back(argument);
    }
  }
  std::vector<char*> raw;
  for (std::string& argument : arguments) raw.push_back(argument.data());
  int count = static_cast<int>(raw.size());
  benchmark::Initialize(&count, raw.data());
  if (benchmark::ReportUnrecognizedArguments(count, raw.data())) return 1;

  TableReporter report;
  benchmark::RunSpecifiedBenchmarks(&report);
  print_table(report);
  if (!json.empty() && !write_json(report, json)) {
    std::fprintf(stderr, "[bench] expected a writable file, got %s\n", json.c_str());
    return 1;
  }
  return 0;
}
