#include "reel/train/callbacks/progress_bar.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "reel/base/detail/columns.h"
#include "reel/base/terminal.h"

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

/// Where a run of fit stands.
Progress progress_of(const Run& run) {
  return {.epoch = run.epoch(),
          .epochs = run.epochs(),
          .step = run.step(),
          .steps = run.steps(),
          .seconds = run.seconds(),
          .figures = run.figures()};
}

}  // namespace

ProgressBar::ProgressBar(Verbose verbose, std::FILE* out)
    : verbose_(verbose), out_(out), on_terminal_(is_terminal(out)), patience_(first_patience) {
  if (verbose_ == Verbose::automatic) verbose_ = on_terminal_ ? Verbose::bar : Verbose::lines;
  look_.unicode = utf8_locale();
  look_.color = !no_color();
  start();
}

ProgressBar::ProgressBar(ProgressBar&& other) noexcept
    : verbose_(other.verbose_),
      out_(other.out_),
      on_terminal_(other.on_terminal_),
      look_(other.look_),
      began_(other.began_),
      next_(other.next_),
      patience_(other.patience_),
      drawn_columns_(std::exchange(other.drawn_columns_, 0)) {}

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

void ProgressBar::epoch_begin(Run&) { start(); }

void ProgressBar::batch_end(Run& run) {
  if (due()) draw(progress_of(run));
}

void ProgressBar::epoch_end(Run& run) { finish(progress_of(run)); }

void ProgressBar::fit_end(Run& run) {
  if (verbose_ == Verbose::none || run.stop_reason().empty()) return;
  const std::string line = "Stopped: " + run.stop_reason() + "\n";
  std::fwrite(line.data(), 1, line.size(), out_);
  std::fflush(out_);
}

}  // namespace reel::train
