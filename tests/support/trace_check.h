#pragma once

// Reads the Chrome traces that a profile writes.

#include <unistd.h>

#include <doctest/doctest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "reel/autograd/profiler/profiler.h"

namespace reel::testing {

/// A path of this process' own: CTest runs several test programs at once.
inline std::string temporary_path(const char* name) {
  const std::string own = std::to_string(::getpid()) + "_" + name;
  return (std::filesystem::temp_directory_path() / own).string();
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Whether a text is JSON: one pass over it by the grammar of RFC 8259.
class JsonChecker {
 public:
  explicit JsonChecker(const std::string& text) : text_(text) {}
  bool valid() { return value() && (space(), at_ == text_.size()); }

 private:
  void space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool take(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool string() {
    if (!take('"')) return false;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return false;
      if (text_[at_] != '\\') continue;
      ++at_;
      if (at_ >= text_.size()) return false;
      if (text_[at_] == 'u') {
        for (int i = 0; i < 4; ++i) {
          if (++at_ >= text_.size() || std::isxdigit(static_cast<unsigned char>(text_[at_])) == 0) {
            return false;
          }
        }
      } else if (std::string_view("\"\\/bfnrt").find(text_[at_]) == std::string_view::npos) {
        return false;
      }
    }
    return take('"');
  }
  bool number() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (std::isdigit(static_cast<unsigned char>(text_[at_])) != 0 ||
                                  text_[at_] == '.' || text_[at_] == '-')) {
      ++at_;
    }
    return at_ > begin;
  }
  bool members(bool named, char close) {
    if (take(close)) return true;
    do {
      if (named && !(string() && take(':'))) return false;
      if (!value()) return false;
    } while (take(','));
    return take(close);
  }
  bool value() {
    space();
    if (at_ >= text_.size()) return false;
    if (take('{')) return members(true, '}');
    if (take('[')) return members(false, ']');
    return text_[at_] == '"' ? string() : number();
  }

  const std::string& text_;
  std::size_t at_ = 0;
};

/// An event of a trace: each stands on a line of its own.
struct TraceEvent {
  std::string line;
  double start, duration;
  int thread;
};

inline std::vector<TraceEvent> events_of(const std::string& trace) {
  std::vector<TraceEvent> events;
  std::istringstream lines(trace);
  for (std::string line; std::getline(lines, line);) {
    const auto number = [&](const std::string& key) {
      return std::stod(line.substr(line.find("\"" + key + "\":") + key.size() + 3));
    };
    if (line.find(R"("ph":"X")") == std::string::npos) continue;
    events.push_back({line, number("ts"), number("dur"), static_cast<int>(number("tid"))});
  }
  return events;
}

/// The trace of a profile, which must be JSON.
inline std::string trace_of(const profiler::Profile& profile) {
  const std::string path = temporary_path("reel_profiler_trace.json");
  profile.write_chrome_trace(path);
  const std::string trace = read_file(path);
  std::filesystem::remove(path);
  CHECK(JsonChecker(trace).valid());
  return trace;
}

}  // namespace reel::testing
