// Usage: reel_oracle [--programs 20000] [--seed 0] [--show]
//
// Runs random programs with Reel and with libtorch, in float64: errors must come at the same
// instructions, tensors have the same elements and the same place on the tape, and gradients of first
// and second order be equal to a relative 1e-9. A program that differs is printed with its seed;
// `--seed N --programs 1 --show` runs it alone.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "oracle/program.h"

namespace {

using namespace oracle;

/// What libtorch refuses and Reel does right, by a word of libtorch's message. Such an instruction is
/// taken out of the program, for both.
constexpr const char* more_than_torch[] = {
    "This view is the output of a function that returns multiple views",
    "unsupported operation: some elements of the input tensor and the written-to tensor",
};

bool is_close(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  double largest = 1;
  for (const double value : b) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
    if (!same && !(std::abs(a[i] - b[i]) <= 1e-9 * largest)) return false;
  }
  return true;
}

struct Counts {
  std::map<std::string, long> of;
};

bool is_more_than_torch(const std::string& error) {
  return std::any_of(std::begin(more_than_torch), std::end(more_than_torch),
                     [&](const char* text) { return error.find(text) != std::string::npos; });
}

/// Whether libtorch had saved, or would have needed, what was changed in place. Reel saves less: it
/// keeps nothing of what `x.mul_(x)` was but a copy, and sends no zeros to what was written over.
bool is_change_of_saved(const std::string& error) {
  return error.find("has been modified by an inplace operation") != std::string::npos;
}

/// Compares gradients with differences of the loss.
std::string difference_from_slopes(Program program, const Outcome& reel, Counts& counts) {
  if (!is_plain(program)) {
    ++counts.of["programs whose gradients only Reel has, not checked: they compute off the tape"];
    return "";
  }
  ++counts.of["programs whose gradients only Reel has, checked by differences"];
  constexpr double step = 1e-6;
  for (std::size_t leaf = 0, i = 0; i < program.instructions.size(); ++i) {
    const Instruction& in = program.instructions[i];
    if (in.op != Op::leaf) continue;
    program.moved_leaf += 1;
    if (in.number == 0) continue;
    const std::vector<double>& gradient = reel.first[leaf++];
    for (std::size_t k = 0; k < gradient.size(); ++k) {
      program.moved_element = static_cast<Long>(k);
      program.moved_by = step;
      const double above = run_reel(program).loss;
      program.moved_by = -step;
      const double slope = (above - run_reel(program).loss) / (2 * step);
      const double scale = std::max({1., std::abs(slope), std::abs(reel.loss)});
      if (!(std::abs(slope - gradient[k]) <= 1e-4 * scale) && std::isfinite(slope)) {
        return fmt::format("gradient {} of leaf {}: Reel has {}, by differences {}", k,
                           program.moved_leaf, gradient[k], slope);
      }
    }
  }
  return "";
}

/// In what the two differ, "" if in nothing.
std::string difference(const Program& program, const Outcome& reel, const Outcome& torch,
                       Counts& counts) {
  if (is_more_than_torch(torch.first_error) || is_more_than_torch(torch.second_error)) {
    ++counts.of["programs whose derivative only libtorch refuses"];
    return "";
  }
  for (std::size_t i = 0; i < torch.errors.size(); ++i) {
    if (reel.errors[i].empty() != torch.errors[i].empty()) {
      return fmt::format("instruction {}: Reel says \"{}\", libtorch \"{}\"", i, reel.errors[i],
                         torch.errors[i].substr(0, 300));
    }
    if (!torch.errors[i].empty()) ++counts.of["instructions that both refuse"];
  }
  for (std::size_t i = 0; i < torch.tensors.size(); ++i) {
    const Final &a = reel.tensors[i], &b = torch.tensors[i];
    if (a.defined != b.defined || a.requires_grad != b.requires_grad || a.is_leaf != b.is_leaf ||
        a.shape != b.shape) {
      return fmt::format(
          "t{}: Reel has shape {}, requires_grad {}, is_leaf {}; libtorch {}, {} and {}", i,
          a.shape, a.requires_grad, a.is_leaf, b.shape, b.requires_grad, b.is_leaf);
    }
    if (!is_close(a.values, b.values)) {
      return fmt::format("t{}: Reel has {}, libtorch {}", i, a.values, b.values);
    }
  }
  if (reel.first_error.empty() && is_change_of_saved(torch.first_error)) {
    return difference_from_slopes(program, reel, counts);
  }
  if (reel.first_error.empty() != torch.first_error.empty()) {
    return fmt::format("the first derivative: Reel says \"{}\", libtorch \"{}\"", reel.first_error,
                       torch.first_error.substr(0, 400));
  }
  if (!torch.first_error.empty()) {
    ++counts.of["programs whose derivative both refuse"];
    return "";
  }
  for (std::size_t i = 0; i < torch.first.size(); ++i) {
    if (!is_close(reel.first[i], torch.first[i])) {
      return fmt::format("gradient {}: Reel has {}, libtorch {}", i, reel.first[i], torch.first[i]);
    }
  }
  if (!torch.first.empty()) ++counts.of["programs with gradients"];
  if (reel.second_error.empty() != torch.second_error.empty()) {
    return fmt::format("the second derivative: Reel says \"{}\", libtorch \"{}\"",
                       reel.second_error, torch.second_error.substr(0, 400));
  }
  for (std::size_t i = 0; i < torch.second.size(); ++i) {
    if (reel.second.empty()) {  // libtorch knows that there are none only when it has computed them
      if (is_close(torch.second[i], std::vector<double>(torch.second[i].size()))) continue;
      return fmt::format("second gradient {}: Reel has none, libtorch {}", i, torch.second[i]);
    }
    if (!is_close(reel.second[i], torch.second[i])) {
      return fmt::format("second gradient {}: Reel has {}, libtorch {}", i, reel.second[i],
                         torch.second[i]);
    }
  }
  if (!torch.second.empty()) ++counts.of["programs with second gradients"];
  return "";
}

/// Without instructions in place that libtorch refuses and Reel does right.
Outcome run_torch_within_limits(Program& program, Counts& counts) {
  for (;;) {
    Outcome outcome = run_torch(program);
    const auto at = std::find_if(outcome.errors.begin(), outcome.errors.end(), is_more_than_torch);
    if (at == outcome.errors.end()) return outcome;
    const auto which = program.instructions.begin() + (at - outcome.errors.begin());
    if (makes_tensor(which->op)) {  // from one of several views that has changed
      outcome.first_error = *at;
      return outcome;
    }
    program.instructions.erase(which);
    ++counts.of["instructions that only libtorch refuses, taken out"];
  }
}

}  // namespace

int main(int argc, char** argv) {
  long programs = 20000, failed = 0;
  std::uint64_t seed = 0;
  bool show = false;
  CLI::App app("Compares random programs in Reel and in libtorch");
  app.add_option("--programs", programs, "how many");
  app.add_option("--seed", seed, "of the first one");
  app.add_flag("--show", show, "print every program");
  CLI11_PARSE(app, argc, argv);
  Counts counts;
  for (long i = 0; i < programs; ++i) {
    const std::uint64_t this_seed = seed + static_cast<std::uint64_t>(i);
    Program program = make_program(this_seed);
    if (show) fmt::print("{}", to_string(program)), std::fflush(stdout);
    const Outcome torch = run_torch_within_limits(program, counts);
    const std::string found = difference(program, run_reel(program), torch, counts);
    if (found.empty()) continue;
    ++failed;
    if (failed <= 20) {
      fmt::print("seed {}: {}\n{}\n", this_seed, found, to_string(program));
    }
  }
  for (const auto& [what, count] : counts.of) fmt::print("{:8} {}\n", count, what);
  fmt::print("{} programs, {} differ\n", programs, failed);
  return failed == 0 ? 0 : 1;
}
