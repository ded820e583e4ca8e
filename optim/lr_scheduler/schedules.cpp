#include "reel/optim/lr_scheduler/schedules.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "reel/base/fail.h"
#include "reel/optim/lr_scheduler/cycles.h"
#include "reel/optim/lr_scheduler/swa.h"

namespace reel::optim {

template <class Rule>
Schedule<Rule>::Schedule(Optimizer& optimizer, const Options& options)
    : LRScheduler(Rule::name, optimizer), options_(options) {
  options.check(Limits<Options>(name(), options));
  for_each_field(options_, [&](std::string_view option, const auto& value) {
    if constexpr (std::is_same_v<decltype(value), const PerGroup&>) {
      const Size count = std::ssize(value), groups = optimizer.num_groups();
      check(count == 1 || count == groups, name(),
            "expected one {} or one for each of {} groups, got {}", option, groups, count);
    }
  });
  if constexpr (requires { options.lr_lambdas; }) {
    const Size count = std::ssize(options.lr_lambdas), groups = optimizer.num_groups();
    check((options.lr_lambda == nullptr) != (count == 0), name(),
          "expected either lr_lambda or lr_lambdas, got {}", count == 0 ? "none" : "both");
    check(count == 0 || count == groups, name(),
          "expected one of lr_lambdas for each of {} groups, got {}", groups, count);
    for (const auto& lambda : options.lr_lambdas) {
      check(lambda != nullptr, name(), "expected functions as lr_lambdas, got an empty one");
    }
  }
  if constexpr (requires { options.cycle_momentum; }) {
    check(
        !options.cycle_momentum || momentum_name() != nullptr, name(),
        "expected an optimizer with momentum or betas, got {}\nhelp: write .cycle_momentum = false",
        optimizer.name());
    for (Size group = 0; group < optimizer.num_groups(); ++group) {
      optimizer.set_lr(group, Rule::base(options, group));
      if (Rule::sets_initial_lr) initial_lr(group) = Rule::base(options, group);
    }
  }
  take_base_lrs();
  if constexpr (requires { options.cycle_momentum; }) {
    for (Size group = 0; group < optimizer.num_groups(); ++group) {
      set_base_lr(group, Rule::base(options, group));
    }
  }
  begin();
}

template <class Rule>
double Schedule<Rule>::rate(const ScheduleStep& at) const {
  return Rule::rate(options_, at);
}

template <class Rule>
void Schedule<Rule>::restart() {
  if constexpr (requires { &Rule::restarted; }) {
    for (Size group = 0; group < optimizer().num_groups(); ++group) {
      optimizer().set_lr(group, Rule::restarted(options_, at(0, group)));
    }
    begin();
  } else {
    LRScheduler::restart();
  }
}

template <class Rule>
void Schedule<Rule>::after_rates() {
  if constexpr (requires { options_.cycle_momentum; }) {
    if (!options_.cycle_momentum) return;
    for (Size group = 0; group < optimizer().num_groups(); ++group) {
      optimizer().set_option(group, momentum_name(),
                             Rule::momentum(options_, at(last_epoch(), group)));
    }
  }
}

template <class Rule>
const char* Schedule<Rule>::momentum_name() const {
  return optimizer().has_option("betas.0")    ? "betas.0"
         : optimizer().has_option("momentum") ? "momentum"
                                              : nullptr;
}

namespace detail {
namespace {

double cosine(double part) { return std::cos(std::numbers::pi * part); }

double real(Size steps) { return static_cast<double>(steps); }

double lambda_of(const LambdaLROptions& o, const ScheduleStep& at) {
  return (o.lr_lambda ? o.lr_lambda : o.lr_lambdas[static_cast<std::size_t>(at.group)])(at.step);
}

double anneal(Anneal how, double from, double to, double part) {
  return how == Anneal::cos ? to + (from - to) / 2 * (cosine(part) + 1) : (to - from) * part + from;
}

}  // namespace

double StepLRRule::rate(const Options& o, const ScheduleStep& at) {
  return at.step > 0 && at.step % o.step_size == 0 ? at.lr * o.gamma : at.lr;
}

double MultiStepLRRule::rate(const Options& o, const ScheduleStep& at) {
  const auto times = std::count(o.milestones.begin(), o.milestones.end(), at.step);
  return at.lr * std::pow(o.gamma, times);
}

double ConstantLRRule::rate(const Options& o, const ScheduleStep& at) {
  if (at.step == 0) return at.lr * o.factor;
  return at.step == o.total_iters ? at.lr / o.factor : at.lr;
}

double LinearLRRule::rate(const Options& o, const ScheduleStep& at) {
  if (at.step == 0) return at.lr * o.start_factor;
  if (at.step > o.total_iters) return at.lr;
  const double rise = o.end_factor - o.start_factor;
  return at.lr * (1 + rise / (real(o.total_iters) * o.start_factor + real(at.step - 1) * rise));
}

double ExponentialLRRule::rate(const Options& o, const ScheduleStep& at) {
  return at.step == 0 ? at.lr : at.lr * o.gamma;
}

double PolynomialLRRule::rate(const Options& o, const ScheduleStep& at) {
  if (at.step == 0 || at.step > o.total_iters) return at.lr;
  const double total = real(o.total_iters), left = 1 - real(at.step) / total;
  return at.lr * std::pow(left / (1 - real(at.step - 1) / total), o.power);
}

double CosineAnnealingLRRule::rate(const Options& o, const ScheduleStep& at) {
  if (at.step == 0) return at.lr;
  const double total = real(o.T_max);
  // Where it was lowest there is nothing to multiply.
  if ((at.step - 1 - o.T_max) % (2 * o.T_max) == 0) {
    return at.lr + (at.base - o.eta_min) * (1 - cosine(1 / total)) / 2;
  }
  return (1 + cosine(real(at.step) / total)) / (1 + cosine(real(at.step - 1) / total)) *
             (at.lr - o.eta_min) +
         o.eta_min;
}

double CosineAnnealingWarmRestartsRule::rate(const Options& o, const ScheduleStep& at) {
  Size step = at.step, round = o.T_0;
  if (o.T_mult == 1) {
    step %= round;
  } else {
    for (; step >= round; round *= o.T_mult) step -= round;
  }
  return o.eta_min + (at.base - o.eta_min) * (1 + cosine(real(step) / real(round))) / 2;
}

double LambdaLRRule::rate(const Options& o, const ScheduleStep& at) {
  return at.base * lambda_of(o, at);
}

double MultiplicativeLRRule::rate(const Options& o, const ScheduleStep& at) {
  return at.step == 0 ? at.lr : at.lr * lambda_of(o, at);
}

/// Knows no first rate to go back to.
double MultiplicativeLRRule::restarted(const Options& o, const ScheduleStep& at) {
  return at.lr * lambda_of(o, at);
}

// ---- cycles

namespace {

/// A step of a one-cycle schedule: which of its turning points it lies between, and where.
struct Phase {
  int from, to;  // 0: the first, 1: the highest, 2: the lowest rate
  double part;
};

Phase phase_of(const OneCycleLROptions& o, Size step) {
  const Size total = o.total_steps.has_value() ? *o.total_steps : *o.epochs * *o.steps_per_epoch;
  check(step <= total, OneCycleLRRule::name, "expected at most {} steps, got {}", total, step);
  const double top = o.pct_start * real(total) - 1, end = real(total) - 1;
  // The step after the last changes nothing that is used.
  const double now = std::min(real(step), end);
  const auto part = [&](double from, double to) {
    return to > from ? (now - from) / (to - from) : 1;
  };
  if (now <= top) return {0, 1, part(0, top)};
  if (!o.three_phase) return {1, 2, part(top, end)};
  const double down = 2 * o.pct_start * real(total) - 2;
  return now <= down ? Phase{1, 0, part(top, down)} : Phase{0, 2, part(down, end)};
}

}  // namespace

double OneCycleLRRule::base(const Options& o, Size group) { return o.max_lr[group] / o.div_factor; }

double OneCycleLRRule::rate(const Options& o, const ScheduleStep& at) {
  const Phase phase = phase_of(o, at.step);
  const double first = base(o, at.group);
  const double rates[] = {first, o.max_lr[at.group], first / o.final_div_factor};
  return anneal(o.anneal_strategy, rates[phase.from], rates[phase.to], phase.part);
}

double OneCycleLRRule::momentum(const Options& o, const ScheduleStep& at) {
  const Phase phase = phase_of(o, at.step);
  const double most = o.max_momentum[at.group];
  const double momenta[] = {most, o.base_momentum[at.group], most};
  return anneal(o.anneal_strategy, momenta[phase.from], momenta[phase.to], phase.part);
}

namespace {

/// How far a cyclic schedule has come from its one bound (0) to its other (1).
double height_of(const CyclicLROptions& o, Size step) {
  const double up = real(o.step_size_up),
               total = up + real(o.step_size_down.value_or(o.step_size_up));
  const double cycle = std::floor(1 + real(step) / total);
  const double x = 1 + real(step) / total - cycle, turn = up / total;
  const double height = x <= turn ? x / turn : (x - 1) / (turn - 1);
  if (o.scale_fn) return height * o.scale_fn(o.scale_mode == ScaleMode::cycle ? cycle : real(step));
  switch (o.mode) {
    case CyclicMode::triangular:
      return height;
    case CyclicMode::triangular2:
      return height / std::pow(2.0, cycle - 1);
    case CyclicMode::exp_range:
      return height * std::pow(o.gamma, real(step));
  }
  return height;
}

}  // namespace

double CyclicLRRule::base(const Options& o, Size group) { return o.base_lr[group]; }

double CyclicLRRule::rate(const Options& o, const ScheduleStep& at) {
  const double least = o.base_lr[at.group];
  return least + (o.max_lr[at.group] - least) * height_of(o, at.step);
}

double CyclicLRRule::momentum(const Options& o, const ScheduleStep& at) {
  const double most = o.max_momentum[at.group];
  return most - (most - o.base_momentum[at.group]) * height_of(o, at.step);
}

double SWALRRule::rate(const Options& o, const ScheduleStep& at) {
  const double total = std::max(1.0, real(o.anneal_epochs));
  const double step = o.anneal_epochs == 0 ? std::max(1.0, real(at.step)) : real(at.step);
  const auto weight = [&](double t) {
    const double part = std::clamp(t / total, 0.0, 1.0);
    return o.anneal_strategy == Anneal::cos ? (1 - cosine(part)) / 2 : part;
  };
  // What the rate would be without the part of the last one that has come in already.
  const double end = o.swa_lr[at.group], before = weight(step - 1), now = weight(step);
  const double start = before == 1 ? end : (at.lr - before * end) / (1 - before);
  return end * now + start * (1 - now);
}

}  // namespace detail

template class Schedule<detail::StepLRRule>;
template class Schedule<detail::MultiStepLRRule>;
template class Schedule<detail::ConstantLRRule>;
template class Schedule<detail::LinearLRRule>;
template class Schedule<detail::ExponentialLRRule>;
template class Schedule<detail::PolynomialLRRule>;
template class Schedule<detail::CosineAnnealingLRRule>;
template class Schedule<detail::CosineAnnealingWarmRestartsRule>;
template class Schedule<detail::LambdaLRRule>;
template class Schedule<detail::MultiplicativeLRRule>;
template class Schedule<detail::OneCycleLRRule>;
template class Schedule<detail::CyclicLRRule>;
template class Schedule<detail::SWALRRule>;

}  // namespace reel::optim
