#pragma once

#include <chrono>
#include <cstdio>

#include "reel/train/progress.h"
#include "reel/train/run.h"
#include "reel/train/verbose.h"

namespace reel::train {

/// Writes progress to a terminal, redrawing one line at most ten times a second, or line by line to
/// a pipe or file. Asking `due` costs tens of nanoseconds, so a step of any length can afford it.
///
/// As a callback of `fit` it shows how the run goes; `.verbose` puts one before all others, so that
/// what they print comes after its line. Follows `keras.callbacks.ProgbarLogger`.
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
  /// Uses the characters that `utf8_locale()` allows, and colours unless `no_color()`.
  explicit ProgressBar(Verbose verbose = Verbose::automatic, std::FILE* out = stdout);
  /// Leaves a half-drawn line behind, followed by a line break: it is where the run stopped.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  /// Goes on with the line of `other`, which leaves it alone from here on.
  ProgressBar(ProgressBar&& other) noexcept;
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

  /// Begins a line.
  void epoch_begin(Run& run);
  /// Draws the line again, if it is time.
  void batch_end(Run& run);
  /// Leaves the line of the epoch.
  void epoch_end(Run& run);
  /// Says why the run was stopped, if somebody did.
  void fit_end(Run& run);

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
