#include "arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <string_view>
#include <vector>

namespace app {
namespace {

/// The value of an option, if all of the text is a number in the range. CLI11 reads "-1" into an
/// unsigned number and "nan" into a real one without a word.
template <class T>
CLI::Option* add_number(CLI::App& app, const std::string& name, T& value, const std::string& help,
                        double least, const char* wanted) {
  const CLI::callback_t read = [&value, name, least, wanted](const CLI::results_t& texts) {
    T given{};
    // strtoull and its like take a minus sign for an unsigned number.
    const bool is_number = texts[0].find('-') != 0 && CLI::detail::lexical_cast(texts[0], given);
    if (!is_number || !std::isfinite(static_cast<double>(given)) ||
        static_cast<double>(given) < least) {
      throw CLI::ValidationError(fmt::format("expected {} for {}, got {}", wanted, name, texts[0]));
    }
    value = given;
    return true;
  };
  return app.add_option(name, read, help)->type_name(std::is_integral_v<T> ? "N" : "X");
}

/// How many letters must be typed, deleted or exchanged to make one word of the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, changed});
    }
  }
  return row.back();
}

std::string unknown_argument(const CLI::App& app, const std::string& text) {
  const std::string name = text.substr(0, text.find('='));
  std::string nearest;
  for (const CLI::Option* option : app.get_options()) {
    const std::string candidate = "--" + option->get_single_name();
    if (nearest.empty() || distance(name, candidate) < distance(name, nearest)) nearest = candidate;
  }
  const bool is_near = distance(name, nearest) <= 3;
  return fmt::format("unknown argument {}; {}", text,
                     is_near ? fmt::format("did you mean {}?", nearest) : "see --help");
}

/// Whether a file can be written there: asked without touching one that exists.
std::string why_not_writable(const std::string& path) {
  const bool existed = std::filesystem::exists(path);
  std::FILE* file = std::fopen(path.c_str(), "ab");
  if (file == nullptr) return std::strerror(errno);
  std::fclose(file);
  if (!existed) std::filesystem::remove(path);
  return "";
}

}  // namespace

Parsed parse(int argc, char** argv) {
  Parsed parsed;
  Arguments& arguments = parsed.arguments;
  CLI::App app{"Learns to tell the garments of Fashion-MNIST apart.", "reel_train"};
  const char* positive = "a whole number of 1 or more";
  app.add_option("--model", arguments.model, "mlp (784-128-10) or cnn (two convolutions) [mlp]")
      ->type_name("NAME");
  add_number(app, "--epochs", arguments.epochs, "Passes over the training data [5]", 1, positive);
  add_number(app, "--batch-size", arguments.batch_size, "Pictures a step [32 for mlp, 64 for cnn]",
             1, positive);
  add_number(app, "--lr", arguments.lr,
             "Adam's learning rate in the first epoch; it falls evenly after that [0.001]", 1e-300,
             "a number above 0");
  add_number(app, "--seed", arguments.seed, "The same seed repeats a run bit for bit [0]", 0,
             "a whole number of 0 or more");
  add_number(app, "--threads", arguments.threads, "Threads [1 for mlp, one a core for cnn]", 1,
             positive);
  app.add_option("--data", arguments.data,
                 "Folder that holds fashion-mnist/ [$REEL_DATA, then the cache, then a download]")
      ->type_name("FOLDER");
  app.add_option("--profile", arguments.profile,
                 "Print where the time of training goes, and write a Chrome trace to this file")
      ->type_name("FILE");
  app.add_flag("--drawn", arguments.drawn, "Use garments drawn by the program instead");
  app.add_flag("--quiet", arguments.quiet, "Print the test accuracy only");
  app.allow_extras();

  std::string wrong;
  try {
    app.parse(argc, argv);
    const std::vector<std::string> extras = app.remaining();
    if (!extras.empty()) {
      wrong = unknown_argument(app, extras.front());
    } else if (arguments.model != "mlp" && arguments.model != "cnn") {
      wrong = fmt::format("expected mlp or cnn for --model, got {}", arguments.model);
    } else if (!arguments.profile.empty()) {
      if (const std::string why = why_not_writable(arguments.profile); !why.empty()) {
        wrong = fmt::format("cannot write --profile {}: {}", arguments.profile, why);
      }
    }
  } catch (const CLI::CallForHelp& help) {
    parsed.exit = app.exit(help);
    return parsed;
  } catch (const CLI::ParseError& error) {
    wrong = error.what();
  }
  if (!wrong.empty()) {
    fmt::print(stderr, "reel_train: {}\n", wrong);
    parsed.exit = 2;
  }
  return parsed;
}

}  // namespace app
