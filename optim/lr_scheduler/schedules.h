#pragma once

#include <functional>
#include <limits>
#include <vector>

#include "reel/optim/lr_scheduler/scheduler.h"

namespace reel::optim {
namespace detail {

/// Of an option that must be given.
inline constexpr double must_be_given = std::numeric_limits<double>::quiet_NaN();

}  // namespace detail

/// Options of `StepLR`.
struct StepLROptions {
  Size step_size = 0;  ///< after so many steps the rate falls; must be given
  double gamma = 0.1;  ///< what the rate is multiplied by

  void check(const auto& must) const {
    must.be_above_0(step_size);
    must.be_at_least_0(gamma);
  }
};

/// Options of `MultiStepLR`.
struct MultiStepLROptions {
  std::vector<Size> milestones =
      {};              ///< the steps at which the rate falls; twice where named twice
  double gamma = 0.1;  ///< what the rate is multiplied by

  void check(const auto& must) const { must.be_at_least_0(milestones, gamma); }
};

/// Options of `ConstantLR`.
struct ConstantLROptions {
  double factor = 1.0 / 3;  ///< of the rate, at first
  Size total_iters = 5;     ///< for so many steps

  void check(const auto& must) const {
    must.be_above_0(factor);
    must.be_in_0_to_1(factor);
    must.be_at_least_0(total_iters);
  }
};

/// Options of `LinearLR`.
struct LinearLROptions {
  double start_factor = 1.0 / 3;  ///< of the rate, at first
  double end_factor = 1;          ///< of the rate, in the end
  Size total_iters = 5;           ///< in so many steps

  void check(const auto& must) const {
    must.be_above_0(start_factor);
    must.be_in_0_to_1(start_factor, end_factor);
    must.be_above_0(total_iters);
  }
};

/// Options of `ExponentialLR`.
struct ExponentialLROptions {
  double gamma = detail::must_be_given;  ///< what each step multiplies the rate by; must be given

  void check(const auto& must) const { must.be_at_least_0(gamma); }
};

/// Options of `PolynomialLR`.
struct PolynomialLROptions {
  Size total_iters = 5;  ///< the steps until the rate is 0
  double power = 1;      ///< the rate is `(1 - step / total_iters)^power` of the first

  void check(const auto& must) const {
    must.be_above_0(total_iters);
    must.be_at_least_0(power);
  }
};

/// Options of `CosineAnnealingLR`.
struct CosineAnnealingLROptions {
  Size T_max = 0;      ///< the steps until the rate is lowest; must be given
  double eta_min = 0;  ///< the lowest rate

  void check(const auto& must) const {
    must.be_above_0(T_max);
    must.be_at_least_0(eta_min);
  }
};

/// Options of `CosineAnnealingWarmRestarts`.
struct CosineAnnealingWarmRestartsOptions {
  Size T_0 = 0;        ///< the steps until the first restart; must be given
  Size T_mult = 1;     ///< how much longer each round is than the one before
  double eta_min = 0;  ///< the lowest rate

  void check(const auto& must) const {
    must.be_above_0(T_0, T_mult);
    must.be_at_least_0(eta_min);
  }
};

/// A function of the step, counted from 0, for all groups or one for each.
struct LambdaLROptions {
  std::function<double(Size)> lr_lambda = {};                ///< for all groups
  std::vector<std::function<double(Size)>> lr_lambdas = {};  ///< or one for each

  void check(const auto&) const {}
};

namespace detail {

struct StepLRRule {
  static constexpr const char* name = "StepLR";
  using Options = StepLROptions;
  static double rate(const Options& o, const ScheduleStep& at);
};

struct MultiStepLRRule {
  static constexpr const char* name = "MultiStepLR";
  using Options = MultiStepLROptions;
  static double rate(const Options& o, const ScheduleStep& at);
};

struct ConstantLRRule {
  static constexpr const char* name = "ConstantLR";
  using Options = ConstantLROptions;
  static double rate(const Options& o, const ScheduleStep& at);
};

struct LinearLRRule {
  static constexpr const char* name = "LinearLR";
  using Options = LinearLROptions;
  static double rate(const Options& o, const ScheduleStep& at);
};

struct ExponentialLRRule {
  static constexpr const char* name = "ExponentialLR";
  using Options = ExponentialLROptions;
  static double rate(const Options& o, const ScheduleStep& at);
};

struct PolynomialLRRule {
  static constexpr const char* name = "PolynomialLR";
  using Options = PolynomialLROptions;
  static double rate(const Options& o, const ScheduleStep& at);
};

struct CosineAnnealingLRRule {
  static constexpr const char* name = "CosineAnnealingLR";
  using Options = CosineAnnealingLROptions;
  static double rate(const Options& o, const ScheduleStep& at);
};

struct CosineAnnealingWarmRestartsRule {
  static constexpr const char* name = "CosineAnnealingWarmRestarts";
  using Options = CosineAnnealingWarmRestartsOptions;
  static double rate(const Options& o, const ScheduleStep& at);
};

struct LambdaLRRule {
  static constexpr const char* name = "LambdaLR";
  using Options = LambdaLROptions;
  static double rate(const Options& o, const ScheduleStep& at);
};

struct MultiplicativeLRRule {
  static constexpr const char* name = "MultiplicativeLR";
  using Options = LambdaLROptions;
  static double rate(const Options& o, const ScheduleStep& at);
  static double restarted(const Options& o, const ScheduleStep& at);
};

}  // namespace detail

/// The rate falls every `step_size` steps. Follows `torch.optim.lr_scheduler.StepLR`, as all below
/// follow their namesakes there.
///
/// **Example** `optim::StepLR scheduler{optimizer, {.step_size = 30}};`
using StepLR = Schedule<detail::StepLRRule>;

/// The rate falls at some steps: `{.milestones = {30, 80}}`.
using MultiStepLR = Schedule<detail::MultiStepLRRule>;

/// A part of the rate, and after some steps all of it.
using ConstantLR = Schedule<detail::ConstantLRRule>;

/// Goes evenly from one part of the rate to another: a warm-up with the defaults.
using LinearLR = Schedule<detail::LinearLRRule>;

/// The rate falls by the same factor every step: `{.gamma = 0.99}`.
using ExponentialLR = Schedule<detail::ExponentialLRRule>;

/// The rate falls to 0 along a power of what is left.
using PolynomialLR = Schedule<detail::PolynomialLRRule>;

/// Half a cosine from the rate to `eta_min` in T_max steps, and back (Loshchilov and Hutter 2017).
using CosineAnnealingLR = Schedule<detail::CosineAnnealingLRRule>;

/// Half a cosine from the rate to `eta_min`, again and again, each `T_mult` times as long as the one
/// before (Loshchilov and Hutter 2017).
using CosineAnnealingWarmRestarts = Schedule<detail::CosineAnnealingWarmRestartsRule>;

/// The first rate times a function of the step:
/// `{.lr_lambda = [](Size epoch) { return 1.0 / (1 + epoch); }}`.
using LambdaLR = Schedule<detail::LambdaLRRule>;

/// Every step multiplies the rate by a function of it, the first with 1.
using MultiplicativeLR = Schedule<detail::MultiplicativeLRRule>;

extern template class REEL_API Schedule<detail::StepLRRule>;
extern template class REEL_API Schedule<detail::MultiStepLRRule>;
extern template class REEL_API Schedule<detail::ConstantLRRule>;
extern template class REEL_API Schedule<detail::LinearLRRule>;
extern template class REEL_API Schedule<detail::ExponentialLRRule>;
extern template class REEL_API Schedule<detail::PolynomialLRRule>;
extern template class REEL_API Schedule<detail::CosineAnnealingLRRule>;
extern template class REEL_API Schedule<detail::CosineAnnealingWarmRestartsRule>;
extern template class REEL_API Schedule<detail::LambdaLRRule>;
extern template class REEL_API Schedule<detail::MultiplicativeLRRule>;

}  // namespace reel::optim
