#include "reel/base/detail/stack_trace.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>

#if defined(__linux__)
#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#endif

namespace reel::detail {

#if defined(__linux__)

namespace {

/// A call, as far as it can be named.
struct Frame {
  std::string function, place;
};

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return text != nullptr ? text.get() : name;
}

/// What a program prints; "" where it cannot be run. Without a shell: a path may hold anything.
std::string output_of(std::vector<std::string> command) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return "";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  const bool started =
      posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ) == 0;
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t n; started && (n = read(ends[0], buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  close(ends[0]);
  if (started) waitpid(child, nullptr, 0);
  return text;
}

/// The calls at an address, the innermost of those that were inlined there first.
std::vector<Frame> frames_at(void* address) {
  Dl_info info;
  link_map* map = nullptr;
  if (dladdr1(address, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0) return {};
  // What returns lies behind the call, perhaps in the next line.
  const std::uintptr_t offset =
      reinterpret_cast<std::uintptr_t>(address) - 1 - static_cast<std::uintptr_t>(map->l_addr);
  const std::string file = map->l_name[0] != '\0' ? map->l_name : "/proc/self/exe";
  char resolved[4096];
  const ssize_t length = readlink(file.c_str(), resolved, sizeof resolved);
  const std::string path = length > 0 && file == "/proc/self/exe"
                               ? std::string(resolved, static_cast<std::size_t>(length))
                               : file;
  const std::string text =
      output_of({"addr2line", "-C", "-f", "-i", "-e", path, fmt::format("{:#x}", offset)});
  std::vector<Frame> frames;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t name_end = text.find('\n', at);
    const std::size_t place_end = name_end == text.npos ? text.npos : text.find('\n', name_end + 1);
    if (place_end == text.npos) break;
    Frame frame{text.substr(at, name_end - at),
                text.substr(name_end + 1, place_end - name_end - 1)};
    frame.place.resize(std::min(frame.place.find(" (discriminator"), frame.place.size()));
    if (frame.place.find('?') != frame.place.npos) frame.place.clear();
    frame.place = std::filesystem::path(frame.place).lexically_normal().string();
    if (frame.function != "??") frames.push_back(std::move(frame));
    at = place_end + 1;
  }
  if (frames.empty() && info.dli_sname != nullptr)
    frames.push_back({demangled(info.dli_sname), ""});
  return frames;
}

/// Whether a function's full name, with or without what it returns, is of a namespace.
bool is_of(std::string_view function, std::string_view prefix) {
  const std::size_t arguments = function.find('(');
  const std::string_view head = function.substr(0, arguments);
  const std::size_t space = head.find_last_of(' ');
  const std::string_view name =
      head.find('<') == head.npos && space != head.npos ? head.substr(space + 1) : head;
  return name.starts_with(prefix) || function.starts_with(prefix);
}

/// Whether that is all of a function's name. With -g1 clang tells only the last part of some, without
/// arguments, as `record<(lambda at ops.h:87:12)>`, which may be anybody's; a function around it has
/// its full name.
bool is_full(std::string_view function) {
  return function == "main" || (function.find('(') != function.npos && !function.ends_with('>') &&
                                function != "operator()");
}

}  // namespace

StackTrace StackTrace::here() {
  StackTrace trace;
  std::array<void*, 64> returns;
  const int count = backtrace(returns.data(), static_cast<int>(returns.size()));
  trace.returns_.assign(returns.begin(), returns.begin() + count);
  return trace;
}

std::string StackTrace::caller_outside(std::string_view prefix) const {
  const auto is_inner = [&](const Frame& frame) { return is_of(frame.function, prefix); };
  bool inside = false;  // a sanitizer's own call may come before
  for (void* address : returns_) {
    const std::vector<Frame> frames = frames_at(address);
    inside = inside || std::any_of(frames.begin(), frames.end(), is_inner);
    // Whatever was inlined into a function of the namespace is its own affair.
    if (frames.empty() || !inside || is_inner(frames.back())) continue;
    for (const Frame& frame : frames) {
      if (is_inner(frame) || is_of(frame.function, "std::") || !is_full(frame.function)) continue;
      if (frame.place.empty()) return frame.function;
      return fmt::format("{}, in {}", frame.place, frame.function);
    }
  }
  return "";
}

#else

StackTrace StackTrace::here() { return {}; }
std::string StackTrace::caller_outside(std::string_view) const { return ""; }

#endif

}  // namespace reel::detail
