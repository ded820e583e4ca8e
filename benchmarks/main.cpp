// Measures every case on every side in turns and prints a row a case: medians, the ratio to the
// best peer, the fraction of what the machine can do.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include "measure.h"
#include "process.h"
#include "report.h"
#include "worker.h"

namespace {

using namespace bench;

struct Arguments {
  std::string json, svg, scaling, filter;
  std::vector<int> threads{1, 2};
  bool quick = false, peers = false, list = false;
};

void describe(CLI::App& app, Arguments& arguments) {
  app.add_option("--json", arguments.json, "Write the rows to this file")->type_name("FILE");
  app.add_option("--svg", arguments.svg, "Draw the rows into this file")->type_name("FILE");
  app.add_option("--scaling", arguments.scaling,
                 "Measure instead how Reel's cost grows, and plot it into this file")
      ->type_name("FILE");
  app.add_option("--filter", arguments.filter, "Only cases whose name this matches somewhere")
      ->type_name("REGEX")
      ->check([](const std::string& text) -> std::string {
        try {
          static_cast<void>(std::regex(text));
          return "";
        } catch (const std::regex_error&) {
          return "expected a regular expression, got " + text;
        }
      });
  app.add_option("--threads", arguments.threads, "Numbers of threads")
      ->type_name("N,...")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_flag("--quick", arguments.quick, "Fewer and shorter repetitions");
  app.add_flag("--peers", arguments.peers,
               "Also PyTorch, JAX and ONNX Runtime, of the Python $REEL_BENCH_PYTHON");
  app.add_flag("--list", arguments.list, "Print the names of the cases and end");
}

std::vector<Case> chosen_cases(const Arguments& arguments) {
  std::vector<Case> cases;
  const std::regex filter(arguments.filter);
  for (const Case& c : arguments.scaling.empty() ? all_cases(arguments.threads) : scaling_cases()) {
    if (std::regex_search(c.name(), filter)) cases.push_back(c);
  }
  return cases;
}

/// Whole programs are started the same way for all sides.
Side with_programs(const Side& side, const std::string& python) {
  return {side.name, [=](const Case& c) {
            return c.programs > 0 ? program_step(side.name, c, python) : side.make(c);
          }};
}

std::vector<Side> all_sides(bool peers) {
  const char* named = std::getenv("REEL_BENCH_PYTHON");
  const std::string python = named != nullptr ? named : "python3";
  std::vector<Side> sides;
  for (const char* side : {limit_side, reel_side, torch_side}) {
    if (!has_side(side)) continue;
    sides.push_back({side, [=](const Case& c) { return make_step(side, c); }});
  }
  for (const char* library : {"PyTorch", "JAX", "ONNX Runtime"}) {
    if (!peers) break;
    try {
      sides.push_back(python_side(python, library));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "[bench] no %s: %s\n", library, error.what());
    }
  }
  for (Side& side : sides) side = with_programs(side, python);
  return sides;
}

std::vector<std::string> peer_names(const std::vector<Side>& sides) {
  std::vector<std::string> names;
  for (const Side& side : sides) {
    if (side.name != reel_side && side.name != limit_side) names.push_back(side.name);
  }
  return names;
}

void run(const Arguments& arguments) {
  const std::vector<Case> cases = chosen_cases(arguments);
  if (cases.empty()) throw std::runtime_error("no case matches " + arguments.filter);
  const std::vector<Side> sides = all_sides(arguments.peers);
  const std::vector<std::string> peers = peer_names(sides);
  std::vector<Row> rows;
  print_head(peers);
  for (const Case& c : cases) {
    const Row row = measure(c, sides, arguments.quick);
    if (row.of(reel_side) == 0) continue;
    print_row(row, peers);
    rows.push_back(row);
    // After each row: a run that is stopped leaves what it has measured.
    if (!arguments.json.empty()) write_json(rows, arguments.json);
    if (!arguments.svg.empty()) write_svg(rows, arguments.svg);
    if (!arguments.scaling.empty()) write_scaling_svg(rows, arguments.scaling);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Reel beside its peers and the machine's limit."};
  Arguments arguments;
  describe(app, arguments);
  CLI11_PARSE(app, argc, argv);
  try {
    if (arguments.list) {
      for (const Case& c : chosen_cases(arguments)) std::printf("%s\n", c.name().c_str());
      return 0;
    }
    run(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "[bench] %s\n", error.what());
    return 1;
  }
  return 0;
}
