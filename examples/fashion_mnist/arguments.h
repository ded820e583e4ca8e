#pragma once

// The command line of reel_train. scripts/train prints the same list before anything is built, and
// a test holds the two together.

#include <cstdint>
#include <optional>
#include <string>

#include "reel/base/dtype.h"

namespace app {

struct Arguments {
  std::string model = "mlp";
  reel::Size epochs = 5;
  reel::Size batch_size = 0;  // 0: what suits the model
  double lr = 1e-3;
  std::uint64_t seed = 0;
  int threads = 0;  // 0: what suits the model
  std::string data;
  std::string profile;
  bool drawn = false;
  bool quiet = false;
};

/// What the command line says; or, where the program is to end at once, its exit status. Everything
/// is checked here, before any data are read: a wrong option must not show after an hour.
struct Parsed {
  Arguments arguments;
  std::optional<int> exit = {};
};

Parsed parse(int argc, char** argv);

}  // namespace app
