#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "reel/base/dtype.h"
#include "reel/base/export.h"

namespace reel::train {

/// A named number on a progress line: "loss 0.4312".
struct Figure {
  std::string name;
  double value = 0;
};

/// Where a training run stands: all that a progress line is made from.
struct Progress {
  Size epoch = 1;                    ///< counted from 1
  Size epochs = 1;                   ///< 0 for a pass of its own, which then carries no "Epoch 1/5"
  Size step = 0;                     ///< steps done in this epoch
  Size steps = 0;                    ///< steps of a whole epoch; 0 where nobody knows
  double seconds = 0;                ///< since the epoch began
  std::vector<Figure> figures = {};  ///< means over the epoch so far
};

/// How a progress line may look.
struct ProgressLook {
  int width = 80;       ///< columns it may fill; what does not fit is left out, least needed first
  bool unicode = true;  ///< line-drawing characters; else ASCII
  bool color = false;   ///< ANSI colours for the bar
};

/// The line that is redrawn while an epoch runs:
/// `Epoch 2/5 ━━━━━━━━━╾──────  812/1875  loss 0.3712  accuracy 0.8655  54 us/step  0:09 left`;
/// less than a second left is not shown.
REEL_API std::string progress_line(const Progress& progress, const ProgressLook& look = {});

/// The line that stays when an epoch has ended, or that stands in a log file:
/// `Epoch 2/5  1875/1875  loss 0.3712  accuracy 0.8655  54 us/step  0.10 s`. `width`: columns it
/// may fill; what does not fit is left out, least needed first. 0: as many as it takes.
REEL_API std::string epoch_line(const Progress& progress, int width = 0);

/// A number of seconds as a person says it: "54 us", "3.2 ms", "0.10 s", "12.3 s", "1:05",
/// "2:03:04";
/// "?" for a negative number, infinity or NaN.
REEL_API std::string readable_seconds(double seconds);

/// Columns of the terminal that `out` is: what it says itself, else `$COLUMNS` if that is a number
/// above 0, else 80.
REEL_API int terminal_width(std::FILE* out = stdout);

/// How a run tells what it does.
enum class Verbose {
  none,       ///< nothing
  lines,      ///< a line for each epoch, and now and then one inside a long epoch
  bar,        ///< one line, redrawn
  automatic,  ///< `bar` on a terminal, `lines` in a pipe or file
};

/// Writes progress to a terminal, redrawing one line at most ten times a second, or line by line to
/// a pipe or file. Asking `due` costs tens of nanoseconds, so a step of any length can afford it.
///
/// **Example**
/// ```cpp
/// train::ProgressBar bar;
/// for (Size step = 1; step <= steps; ++step) {
///   ...
///   if (bar.due()) bar.draw({.step = step, .steps = steps, .seconds = bar.seconds(), ...});
/// }
/// bar.finish({...});
/// ```
class REEL_API ProgressBar {
 public:
  /// Uses the characters that the locale's environment (`LC_ALL`, `LC_CTYPE`, `LANG`) allows and
  /// colours unless `NO_COLOR` is set; `TERM=dumb` counts as a file.
  explicit ProgressBar(Verbose verbose = Verbose::automatic, std::FILE* out = stdout);
  /// Leaves a half-drawn line behind, followed by a line break: it is where the run stopped.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Begins a new epoch: `seconds()` counts from here.
  void start();
  /// Seconds since `start`.
  double seconds() const;
  /// Whether it is time to draw again.
  bool due() const { return Clock::now() >= next_; }
  /// Shows where the run stands.
  void draw(const Progress& progress);
  /// Wipes the redrawn line, so that something else can be printed.
  void clear();
  /// Replaces the redrawn line by one that stays.
  void finish(const Progress& progress);

 private:
  int width() const;

  using Clock = std::chrono::steady_clock;

  Verbose verbose_;
  std::FILE* out_;
  bool on_terminal_;
  ProgressLook look_;
  Clock::time_point began_ = Clock::now();
  Clock::time_point next_;
  Clock::duration patience_;  // until the next line in a log
  int drawn_columns_ = 0;
};

}  // namespace reel::train
