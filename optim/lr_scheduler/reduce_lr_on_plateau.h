#pragma once

#include <vector>

#include "reel/optim/lr_scheduler/scheduler.h"

namespace reel::optim {

/// Which figures `ReduceLROnPlateau` takes for better.
enum class Better { min, max };

/// Against what `ReduceLROnPlateau` measures its threshold.
enum class ThresholdMode { rel, abs };

/// Options of `ReduceLROnPlateau`.
struct ReduceLROnPlateauOptions {
  Better mode = Better::min;  ///< whether a figure is better when it is smaller or larger
  double factor = 0.1;        ///< what the rate is multiplied by
  Size patience = 10;         ///< how many figures may be no better
  double threshold = 1e-4;    ///< how much better a figure must be to count
  ThresholdMode threshold_mode = ThresholdMode::rel;  ///< in parts of the best figure, or as it is
  Size cooldown = 0;    ///< for how many figures after it the rate does not fall again
  PerGroup min_lr = 0;  ///< the lowest rate
  double eps = 1e-8;    ///< the rate does not fall by less than this

  void check(const auto& must) const {
    must.be_below_1(factor);
    must.be_at_least_0(patience, threshold, cooldown, min_lr, eps);
  }
};

/// The rate falls when a figure (a loss, an accuracy) has become no better for some time:
/// `scheduler.step(loss)` after every epoch. Follows
/// `torch.optim.lr_scheduler.ReduceLROnPlateau`. A figure that is not a number is no better.
///
/// It refers to the optimizer, which must outlive it. Throws for a factor of 1 or more, and for
/// negative options.
///
/// **Example** `optim::ReduceLROnPlateau scheduler{optimizer, {.patience = 3}};`
class REEL_API ReduceLROnPlateau {
 public:
  /// Leaves the rates as they are. Throws unless there is one `min_lr`, or one for each group.
  explicit ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options = {});

  /// Takes the newest figure. When more than `patience` in a row were no better than the best, the
  /// rates of all groups fall, unless they did so less than `cooldown` steps ago.
  void step(double figure);

  /// The rates of all groups after the last step, or when it was made.
  const std::vector<double>& get_last_lr() const { return last_lr_; }
  /// How many steps were taken.
  Size last_epoch() const { return last_epoch_; }
  /// The optimizer whose rates it sets.
  Optimizer& optimizer() const { return *optimizer_; }
  /// The best figure so far; infinite before the first.
  double best() const { return best_; }

  /// `best`, `num_bad_epochs`, `cooldown_counter`, `last_epoch` and `_last_lr.0`, as 0-d float64
  /// tensors.
  StateDict state_dict() const;
  /// Throws, and changes nothing, when entries are missing or unknown.
  void load_state_dict(const StateDict& state);

 private:
  std::vector<detail::SchedulerNumber> numbers() const;
  bool is_better(double figure) const;
  void reduce();

  Optimizer* optimizer_;
  ReduceLROnPlateauOptions options_;
  double best_;
  Size num_bad_epochs_ = 0;
  Size cooldown_counter_ = 0;
  Size last_epoch_ = 0;
  std::vector<double> last_lr_;
};

}  // namespace reel::optim
