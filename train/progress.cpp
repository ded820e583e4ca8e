#include "reel/train/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "reel/base/detail/columns.h"
#include "reel/train/detail/number.h"

namespace reel::train {
namespace {

using detail::number;
using reel::detail::columns;

constexpr double countable = 1e15;  // seconds beyond this are no time that anybody waits

constexpr int shortest_bar = 8;
constexpr int longest_bar = 40;

/// One piece of the line. The pieces with the highest rank leave first when it gets narrow.
struct Part {
  std::string text;
  int rank = 0;
};

std::string clock_time(double seconds_left) {
  const auto all = static_cast<Size>(std::ceil(seconds_left));
  const Size hours = all / 3600, minutes = all / 60 % 60, rest = all % 60;
  return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, rest)
                   : fmt::format("{}:{:02}", minutes, rest);
}

std::string epoch_count(const Progress& p) {
  return p.epochs > 0 ? fmt::format("Epoch {}/{}", p.epoch, p.epochs) : "";
}

std::string step_count(const Progress& p) {
  if (p.steps <= 0) return fmt::format("{}", p.step);
  const std::string steps = std::to_string(p.steps);
  return fmt::format("{:>{}}/{}", p.step, steps.size(), steps);
}

std::string speed(const Progress& p) {
  if (p.step <= 0) return "";
  return readable_seconds(p.seconds / static_cast<double>(p.step)) + "/step";
}

/// `columns` wide; halves of a column are seen with Unicode.
std::string bar(double share, int width, const ProgressLook& look) {
  share = std::clamp(share, 0.0, 1.0);
  if (!look.unicode) {
    const int inner = width - 2;
    const int done = static_cast<int>(share * inner);
    std::string text(static_cast<std::size_t>(done), '=');
    if (done < inner) text += '>';
    text.resize(static_cast<std::size_t>(inner), '.');
    return "[" + text + "]";
  }
  const int halves = static_cast<int>(share * width * 2);
  std::string text = look.color ? "\x1b[32m" : "";
  for (int i = 0; i < halves / 2; ++i) text += "━";
  if (halves % 2 == 1) text += "╾";
  if (look.color) text += "\x1b[90m";
  for (int i = (halves + 1) / 2; i < width; ++i) text += "─";
  if (look.color) text += "\x1b[0m";
  return text;
}

std::string join(const std::vector<Part>& parts) {
  std::string line;
  for (const Part& part : parts) {
    if (part.text.empty()) continue;
    if (!line.empty()) line += "  ";
    line += part.text;
  }
  return line;
}

/// Takes out the part needed least, if its rank is at least this.
bool drop_part(std::vector<Part>& parts, int at_least) {
  const auto worst = std::ranges::max_element(
      parts, {}, [](const Part& part) { return part.text.empty() ? -1 : part.rank; });
  if (worst->text.empty() || worst->rank < at_least) return false;
  worst->text.clear();
  return true;
}

/// The parts that there is room for, cut where even the last one is too long.
std::string fitted(std::vector<Part> parts, int width) {
  while (columns(join(parts)) > width && drop_part(parts, 1)) {
  }
  return reel::detail::cut(join(parts), width);
}

}  // namespace

std::string readable_seconds(double seconds) {
  if (!(seconds >= 0 && seconds < countable)) return "?";
  if (seconds < 999.5e-9) return fmt::format("{:.0f} ns", seconds * 1e9);
  if (seconds < 999.5e-6) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 9.95e-3) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 99.5e-3) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 9.995) return fmt::format("{:.2f} s", seconds);
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  return clock_time(seconds - 0.5);  // rounded, where a time left is rounded up
}

std::string progress_line(const Progress& p, const ProgressLook& look) {
  std::vector<Part> parts{{epoch_count(p), 1}, {step_count(p), 3}};
  int place = 0;
  for (const Figure& figure : p.figures) {
    parts.push_back({figure.name + " " + number(figure.value), place == 0 ? 0 : 2 + place});
    ++place;
  }
  parts.push_back({speed(p), 10});
  if (p.step > 0 && p.steps > 0) {
    const double left =
        p.seconds / static_cast<double>(p.step) * static_cast<double>(p.steps - p.step);
    if (left >= 1 && left < countable) parts.push_back({clock_time(left) + " left", 2});
  }

  const int width = std::max(look.width, 1);
  const bool has_bar = p.steps > 0;
  const int bar_room = has_bar ? shortest_bar + 2 : 0;
  constexpr int before_the_bar = 10;
  while (columns(join(parts)) + bar_room > width && drop_part(parts, before_the_bar)) {
  }
  const int spare = width - columns(join(parts)) - 2;
  if (has_bar && spare >= shortest_bar) {
    const double share = static_cast<double>(p.step) / static_cast<double>(p.steps);
    parts.insert(parts.begin() + 1, {bar(share, std::min(spare, longest_bar), look), 0});
    return join(parts);
  }
  return fitted(std::move(parts), width);
}

std::string epoch_line(const Progress& p, int width) {
  std::vector<Part> parts{{epoch_count(p), 1}, {step_count(p), 9}};
  int place = 0;
  for (const Figure& figure : p.figures) {
    const int rank = place == 0 ? 0 : std::min(1 + place, 7);
    parts.push_back({figure.name + " " + number(figure.value), rank});
    ++place;
  }
  parts.push_back({speed(p), 10});
  parts.push_back({readable_seconds(p.seconds), 8});
  return width > 0 ? fitted(std::move(parts), width) : join(parts);
}

}  // namespace reel::train
