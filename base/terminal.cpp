#include "reel/base/terminal.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#if __has_include(<sys/ioctl.h>) && __has_include(<unistd.h>)
#include <sys/ioctl.h>
#include <unistd.h>
#define REEL_HAS_TERMINAL 1
#endif

namespace reel {
namespace {

/// "" where it is not set: all these conventions take empty for unset.
std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

bool is_terminal([[maybe_unused]] std::FILE* out) {
#ifdef REEL_HAS_TERMINAL
  return isatty(fileno(out)) == 1 && environment("TERM") != "dumb";
#else
  return false;
#endif
}

int terminal_width([[maybe_unused]] std::FILE* out) {
#ifdef REEL_HAS_TERMINAL
  winsize size{};
  if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
#endif
  constexpr int usual = 80;
  const std::string_view text = environment("COLUMNS");
  int width = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), width);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && width > 0 ? width : usual;
}

bool no_color() { return !environment("NO_COLOR").empty(); }

Colors terminal_colors(std::FILE* out) {
  if (!is_terminal(out) || no_color()) return Colors::none;
  const std::string_view color = environment("COLORTERM");
  if (color == "truecolor" || color == "24bit") return Colors::truecolor;
  const bool has_256 = environment("TERM").find("256color") != std::string_view::npos;
  return has_256 ? Colors::ansi256 : Colors::none;
}

bool utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string lower(environment(name));
    if (lower.empty()) continue;
    std::ranges::transform(lower, lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return lower.find("utf-8") != std::string::npos || lower.find("utf8") != std::string::npos;
  }
  return false;
}

}  // namespace reel
