#include "reel/train/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "reel/base/detail/columns.h"
#include "reel/base/detail/locale.h"
#include "reel/base/fail.h"

#if __has_include(<sys/ioctl.h>)
#include <sys/ioctl.h>
#include <unistd.h>
#define REEL_HAS_TERMINAL 1
#endif

namespace reel::train {
namespace {

using reel::detail::columns;
using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds redraw_interval{100};
constexpr seconds first_patience{10};
constexpr seconds longest_patience{60};

constexpr double countable = 1e15;  // seconds beyond this are no time that anybody waits

constexpr int shortest_bar = 8;
constexpr int longest_bar = 40;

/// One piece of the line. The pieces with the highest rank leave first when it gets narrow.
struct Part {
  std::string text;
  int rank = 0;
};

std::string number(double value) {
  const double size = std::abs(value);
  if (!std::isfinite(value) || size == 0 || (size >= 1e-3 && size < 1e4)) {
    return fmt::format("{:.4f}", reel::detail::without_sign_of_nan(value));
  }
  return fmt::format("{:.3e}", value);
}

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

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

bool is_terminal([[maybe_unused]] std::FILE* out) {
#ifdef REEL_HAS_TERMINAL
  const char* term = environment("TERM");
  return isatty(fileno(out)) == 1 && (term == nullptr || std::string_view(term) != "dumb");
#else
  return false;
#endif
}

}  // namespace

int terminal_width([[maybe_unused]] std::FILE* out) {
#ifdef REEL_HAS_TERMINAL
  winsize size{};
  if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
#endif
  constexpr int usual = 80;
  const char* given = environment("COLUMNS");
  if (given == nullptr) return usual;
  const std::string_view text = given;
  int width = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), width);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && width > 0 ? width : usual;
}

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
  for (std::size_t i = 0; i < p.figures.size(); ++i) {
    const Figure& figure = p.figures[i];
    parts.push_back(
        {figure.name + " " + number(figure.value), i == 0 ? 0 : 2 + static_cast<int>(i)});
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
  for (std::size_t i = 0; i < p.figures.size(); ++i) {
    const Figure& figure = p.figures[i];
    const int rank = i == 0 ? 0 : std::min(1 + static_cast<int>(i), 7);
    parts.push_back({figure.name + " " + number(figure.value), rank});
  }
  parts.push_back({speed(p), 10});
  parts.push_back({readable_seconds(p.seconds), 8});
  return width > 0 ? fitted(std::move(parts), width) : join(parts);
}

ProgressBar::ProgressBar(Verbose verbose, std::FILE* out)
    : verbose_(verbose), out_(out), on_terminal_(is_terminal(out)), patience_(first_patience) {
  if (verbose_ == Verbose::automatic) verbose_ = on_terminal_ ? Verbose::bar : Verbose::lines;
  look_.unicode = reel::detail::utf8_locale();
  look_.color = environment("NO_COLOR") == nullptr;
  start();
}

ProgressBar::~ProgressBar() {
  if (drawn_columns_ > 0) {
    std::fputc('\n', out_);
    std::fflush(out_);
  }
}

void ProgressBar::start() {
  began_ = Clock::now();
  patience_ = first_patience;
  switch (verbose_) {
    case Verbose::none:
      next_ = Clock::time_point::max();
      break;
    case Verbose::lines:
      next_ = began_ + patience_;
      break;
    default:
      next_ = std::max(next_, began_);
      break;  // short epochs do not redraw more often
  }
}

/// How wide a line may be that wraps nowhere; 0: as wide as it likes. The last column of a terminal
/// stays free: a full line would make some wrap.
int ProgressBar::width() const {
  return on_terminal_ || verbose_ == Verbose::bar ? std::max(terminal_width(out_) - 1, 1) : 0;
}

double ProgressBar::seconds() const { return duration<double>(Clock::now() - began_).count(); }

void ProgressBar::draw(const Progress& progress) {
  if (verbose_ == Verbose::none) return;
  const auto now = Clock::now();
  if (verbose_ == Verbose::lines) {
    const std::string line = epoch_line(progress, width()) + "\n";
    std::fwrite(line.data(), 1, line.size(), out_);
    std::fflush(out_);
    patience_ = std::min<Clock::duration>(patience_ * 2, longest_patience);
    next_ = now + patience_;
    return;
  }
  clear();
  look_.width = width();
  const std::string line = progress_line(progress, look_);
  drawn_columns_ = columns(line);
  std::fwrite(line.data(), 1, line.size(), out_);
  std::fflush(out_);
  next_ = now + redraw_interval;
}

void ProgressBar::clear() {
  if (drawn_columns_ == 0) return;
  // A terminal made narrower meanwhile has wrapped the old line onto several.
  const int rows = (drawn_columns_ - 1) / std::max(terminal_width(out_), 1);
  std::string text = "\r";
  if (rows > 0) text += fmt::format("\x1b[{}A", rows);
  text += "\x1b[J";
  std::fwrite(text.data(), 1, text.size(), out_);
  std::fflush(out_);  // what is printed next may go to the same terminal by another stream
  drawn_columns_ = 0;
}

void ProgressBar::finish(const Progress& progress) {
  if (verbose_ == Verbose::none) return;
  clear();
  const std::string line = epoch_line(progress, width()) + "\n";
  std::fwrite(line.data(), 1, line.size(), out_);
  std::fflush(out_);
}

}  // namespace reel::train
