#include "process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <stdexcept>
#include <vector>

#ifndef BENCH_TORCH_COMPILE  // a build without libtorch
#define BENCH_TORCH_COMPILE ""
#endif

namespace bench {

namespace {

using Command = std::vector<std::string>;

/// Runs a program to its end with one thread and returns what it printed. Throws when it fails.
std::string run(const Command& command) {
  std::vector<char*> raw;
  for (const std::string& argument : command) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  int out[2];
  if (pipe(out) != 0) throw std::runtime_error("no pipe");
  const pid_t pid = fork();
  if (pid == 0) {
    setenv("OMP_NUM_THREADS", "1", 1);
    unsetenv("GLIBC_TUNABLES");  // a user's program runs as it comes
    dup2(out[1], 1);
    close(out[0]);
    close(out[1]);
    execvp(raw[0], raw.data());
    _exit(127);
  }
  close(out[1]);
  std::string printed;
  char some[4096];
  for (ssize_t bytes; (bytes = read(out[0], some, sizeof some)) > 0;) {
    printed.append(some, static_cast<std::size_t>(bytes));
  }
  close(out[0]);
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
    throw std::runtime_error("failed: " + command[0]);
  }
  return printed;
}

double seconds_of(const Command& command) {
  const auto start = std::chrono::steady_clock::now();
  run(command);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double peak_mib(Command command) {
  command.insert(command.begin(), BENCH_BINARY "/program_peak");
  return std::strtod(run(command).c_str(), nullptr) / 1024;
}

/// The program that trains `steps` steps of a model.
Command training(const std::string& side, const std::string& python, const std::string& model,
                 std::int64_t batch, int steps) {
  const Command arguments{model, std::to_string(batch), std::to_string(steps)};
  Command command;
  if (side == reel_side || side == torch_side) {
    command = {std::string(BENCH_BINARY) +
               (side == reel_side ? "/program_reel" : "/program_torch")};
  } else if (side == "PyTorch" || side == "JAX") {
    command = {python, BENCH_SOURCE "/python/program.py", side};
  } else {
    return {};
  }
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

/// Of a program and every shared library it loads, as `ldd` lists them.
double mib_on_disk(const std::string& program) {
  std::set<std::filesystem::path> files{std::filesystem::canonical(program)};
  std::istringstream words(run({"ldd", program}));  // libx.so => /usr/lib/libx.so (0x...)
  for (std::string word; words >> word;) {
    if (word[0] == '/') files.insert(std::filesystem::canonical(word));
  }
  double bytes = 0;
  for (const auto& file : files) bytes += static_cast<double>(std::filesystem::file_size(file));
  return bytes / (1 << 20);
}

/// Compiles the side's program the way a user does while working on it: without optimisation.
Command compiling(const std::string& side) {
  std::istringstream words(side == reel_side ? BENCH_REEL_COMPILE : BENCH_TORCH_COMPILE);
  Command command;
  for (std::string word; words >> word;) command.push_back(word);
  return command;
}

}  // namespace

Step program_step(const std::string& side, const Case& c, const std::string& python) {
  if (c.what == "start_to_first_step" || c.what.starts_with("peak_memory_")) {
    const bool memory = c.what != "start_to_first_step";
    const std::string model = c.what == "peak_memory_cnn" ? "cnn" : "mlp";
    const Command command =
        memory ? training(side, python, model, c.size, 10) : training(side, python, model, 32, 1);
    if (command.empty()) return {};
    return [=](std::int64_t) { return memory ? peak_mib(command) : seconds_of(command); };
  }
  if (side != reel_side && side != torch_side) return {};
  if (c.what == "libraries_on_disk") {
    const std::string program = training(side, python, "mlp", 1, 1)[0];
    return [=](std::int64_t) { return mib_on_disk(program); };
  }
  if (c.what == "compile_user_file") {
    return [command = compiling(side)](std::int64_t) { return seconds_of(command); };
  }
  return {};
}

}  // namespace bench
