#pragma once

#include <functional>
#include <optional>

#include "reel/optim/lr_scheduler/schedules.h"

namespace reel::optim {

/// The way from one rate to another.
enum class Anneal { cos, linear };

/// Options of `OneCycleLR`.
struct OneCycleLROptions {
  PerGroup max_lr = detail::must_be_given;   ///< the highest rate; must be given
  std::optional<Size> total_steps = {};      ///< of the whole cycle; or give the next two
  std::optional<Size> epochs = {};           ///< how often all data is seen
  std::optional<Size> steps_per_epoch = {};  ///< batches of the data
  double pct_start = 0.3;                    ///< the part of the steps in which the rate rises
  Anneal anneal_strategy = Anneal::cos;      ///< along half a cosine, or evenly
  bool cycle_momentum = true;     ///< the momentum (or betas.first) falls where the rate rises
  PerGroup base_momentum = 0.85;  ///< the lowest momentum
  PerGroup max_momentum = 0.95;   ///< the highest momentum
  double div_factor = 25;         ///< the first rate is `max_lr / div_factor`
  double final_div_factor = 1e4;  ///< the last is the first over this
  bool three_phase = false;       ///< falls to the first rate, as long as it rose, and then lower

  void check(const auto& must) const {
    must.be_at_least_0(max_lr, pct_start);
    must.be_in_0_to_1(pct_start);
    must.be_above_0(total_steps, epochs, steps_per_epoch);
    must.agree(total_steps.has_value() || (epochs.has_value() && steps_per_epoch.has_value()),
               "total_steps, or epochs and steps_per_epoch", total_steps, epochs, steps_per_epoch);
    must.be_at_least_0(base_momentum, max_momentum);
    must.be_above_0(div_factor, final_div_factor);
  }
};

/// How high the peaks of `CyclicLR` are.
enum class CyclicMode {
  triangular,   ///< all alike
  triangular2,  ///< each half as high as the one before
  exp_range     ///< falling by `gamma` in every step
};

/// What the function of a `CyclicLR` is given.
enum class ScaleMode {
  cycle,      ///< the number of the cycle, from 1
  iterations  ///< the number of the step, from 0
};

/// Options of `CyclicLR`.
struct CyclicLROptions {
  PerGroup base_lr = detail::must_be_given;     ///< the lowest rate; must be given
  PerGroup max_lr = detail::must_be_given;      ///< the highest rate; must be given
  Size step_size_up = 2000;                     ///< steps in which the rate rises
  std::optional<Size> step_size_down = {};      ///< and in which it falls; none: as many
  CyclicMode mode = CyclicMode::triangular;     ///< how high the peaks are
  double gamma = 1;                             ///< of `CyclicMode::exp_range`
  std::function<double(double)> scale_fn = {};  ///< scales the peaks, instead of `mode`
  ScaleMode scale_mode = ScaleMode::cycle;      ///< what `scale_fn` is given
  bool cycle_momentum = true;    ///< the momentum (or betas.first) falls where the rate rises
  PerGroup base_momentum = 0.8;  ///< the lowest momentum
  PerGroup max_momentum = 0.9;   ///< the highest momentum

  void check(const auto& must) const {
    must.be_at_least_0(base_lr, max_lr);
    must.be_above_0(step_size_up, step_size_down);
    must.be_at_least_0(gamma, base_momentum, max_momentum);
  }
};

namespace detail {

struct OneCycleLRRule {
  static constexpr const char* name = "OneCycleLR";
  static constexpr bool sets_initial_lr = true;
  using Options = OneCycleLROptions;
  static double base(const Options& o, Size group);
  static double rate(const Options& o, const ScheduleStep& at);
  static double momentum(const Options& o, const ScheduleStep& at);
};

struct CyclicLRRule {
  static constexpr const char* name = "CyclicLR";
  static constexpr bool sets_initial_lr = false;
  using Options = CyclicLROptions;
  static double base(const Options& o, Size group);
  static double rate(const Options& o, const ScheduleStep& at);
  static double momentum(const Options& o, const ScheduleStep& at);
};

}  // namespace detail

/// The rate rises, and falls far below where it began; the momentum goes the other way (Smith and
/// Topin 2017). For one training, stepped after every batch. Follows
/// `torch.optim.lr_scheduler.OneCycleLR`.
///
/// Throws for a step beyond the last, and with `cycle_momentum` for an optimizer without momentum or
/// betas.
///
/// **Example** `optim::OneCycleLR scheduler{optimizer, {.max_lr = 0.1, .total_steps = 1000}};`
using OneCycleLR = Schedule<detail::OneCycleLRRule>;

/// The rate rises and falls between two bounds, again and again (Smith 2017); the momentum goes the
/// other way. Stepped after every batch. Follows `torch.optim.lr_scheduler.CyclicLR`.
///
/// **Example** `optim::CyclicLR scheduler{optimizer, {.base_lr = 0.01, .max_lr = 0.1}};`
using CyclicLR = Schedule<detail::CyclicLRRule>;

extern template class REEL_API Schedule<detail::OneCycleLRRule>;
extern template class REEL_API Schedule<detail::CyclicLRRule>;

}  // namespace reel::optim
