// Every optimizer and schedule does what PyTorch's does: tables/make.py has recorded that.

#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <string>

#include "optim/every_optimizer.h"

using namespace reel;
using namespace reel::testing;

namespace {

struct OptimizerRow {
  const char* name;
  const char* options;
  int bits;
  int step;
  std::array<double, 8> parameters;
};
#include "optim/tables/optimizers.h"

struct ScheduleRow {
  const char* name;
  int step;
  std::array<double, 5> values;  // rates of both groups, their sums so far, the momentum
};
#include "optim/tables/schedules.h"

/// What takes a step with a figure, which one schedule looks at.
using StepWith = std::function<void(double figure)>;
using MakeSchedule = std::function<StepWith(optim::Optimizer&)>;

template <class S>
MakeSchedule schedule(const typename S::Options& options = {}) {
  return [options](optim::Optimizer& optimizer) {
    return [it = std::make_shared<S>(optimizer, options)](double) { it->step(); };
  };
}

MakeSchedule plateau(const optim::ReduceLROnPlateauOptions& options) {
  return [options](optim::Optimizer& optimizer) {
    return [it = std::make_shared<optim::ReduceLROnPlateau>(optimizer, options)](double figure) {
      it->step(figure);
    };
  };
}

struct Chained {
  template <class A, class B>
  static MakeSchedule of(const typename A::Options& a, const typename B::Options& b) {
    return [=](optim::Optimizer& o) {
      const auto first = std::make_shared<A>(o, a);
      const auto second = std::make_shared<B>(o, b);
      const auto both =
          std::make_shared<optim::ChainedScheduler>(optim::Schedulers{*first, *second});
      return [first, second, both](double) { both->step(); };
    };
  }
};

StepWith warmed_up(optim::Optimizer& o) {
  const auto first = std::make_shared<optim::LinearLR>(
      o, optim::LinearLROptions{.start_factor = 0.1, .total_iters = 10});
  const auto second =
      std::make_shared<optim::CosineAnnealingLR>(o, optim::CosineAnnealingLROptions{.T_max = 290});
  const auto both = std::make_shared<optim::SequentialLR>(
      o, optim::Schedulers{*first, *second}, optim::SequentialLROptions{.milestones = {10}});
  return [first, second, both](double) { both->step(); };
}

StepWith many_in_turn(optim::Optimizer& o) {
  using namespace optim;
  const auto a = std::make_shared<ConstantLR>(o);
  const auto b = std::make_shared<MultiplicativeLR>(
      o, LambdaLROptions{.lr_lambda = [](Size) { return 0.99; }});
  const auto c = std::make_shared<CosineAnnealingWarmRestarts>(
      o, CosineAnnealingWarmRestartsOptions{.T_0 = 20});
  const auto d = std::make_shared<MultiplicativeLR>(
      o, LambdaLROptions{.lr_lambda = [](Size) { return 0.98; }});
  const auto e = std::make_shared<StepLR>(o, StepLROptions{.step_size = 20});
  const auto all = std::make_shared<SequentialLR>(
      o, Schedulers{*a, *b, *c, *d, *e}, SequentialLROptions{.milestones = {8, 60, 130, 200}});
  return [a, b, c, d, e, all](double) { all->step(); };
}

/// The options of make.py's schedules.
const std::map<std::string, MakeSchedule>& schedules() {
  using namespace optim;
  static const std::map<std::string, MakeSchedule> all{
      {"StepLR", schedule<StepLR>({.step_size = 30})},
      {"StepLR slow", schedule<StepLR>({.step_size = 7, .gamma = 0.9})},
      {"MultiStepLR", schedule<MultiStepLR>({.milestones = {10, 80, 80, 200}, .gamma = 0.5})},
      {"ConstantLR", schedule<ConstantLR>()},
      {"ConstantLR half", schedule<ConstantLR>({.factor = 0.5, .total_iters = 40})},
      {"LinearLR", schedule<LinearLR>()},
      {"LinearLR down",
       schedule<LinearLR>({.start_factor = 0.8, .end_factor = 0.1, .total_iters = 100})},
      {"ExponentialLR", schedule<ExponentialLR>({.gamma = 0.99})},
      {"PolynomialLR", schedule<PolynomialLR>()},
      {"PolynomialLR square", schedule<PolynomialLR>({.total_iters = 200, .power = 2})},
      {"CosineAnnealingLR", schedule<CosineAnnealingLR>({.T_max = 50})},
      {"CosineAnnealingLR least", schedule<CosineAnnealingLR>({.T_max = 40, .eta_min = 1e-3})},
      {"CosineAnnealingWarmRestarts", schedule<CosineAnnealingWarmRestarts>({.T_0 = 10})},
      {"CosineAnnealingWarmRestarts longer",
       schedule<CosineAnnealingWarmRestarts>({.T_0 = 10, .T_mult = 2, .eta_min = 1e-3})},
      {"LambdaLR", schedule<LambdaLR>({.lr_lambda = [](Size t) { return std::pow(0.95, t); }})},
      {"LambdaLR each",
       schedule<LambdaLR>({.lr_lambdas = {[](Size t) { return 1.0 / static_cast<double>(1 + t); },
                                          [](Size t) { return static_cast<double>(1 + t); }}})},
      {"MultiplicativeLR",
       schedule<MultiplicativeLR>(
           {.lr_lambda = [](Size t) { return 1 - 1.0 / static_cast<double>(t + 10); }})},
      {"OneCycleLR", schedule<OneCycleLR>({.max_lr = 0.4, .total_steps = 300})},
      {"OneCycleLR three", schedule<OneCycleLR>({.max_lr = {0.4, 0.2},
                                                 .epochs = 10,
                                                 .steps_per_epoch = 30,
                                                 .pct_start = 0.25,
                                                 .anneal_strategy = Anneal::linear,
                                                 .base_momentum = 0.7,
                                                 .max_momentum = 0.99,
                                                 .div_factor = 10,
                                                 .final_div_factor = 100,
                                                 .three_phase = true})},
      {"OneCycleLR Adam", schedule<OneCycleLR>({.max_lr = 0.4, .total_steps = 300})},
      {"OneCycleLR alone",
       schedule<OneCycleLR>({.max_lr = 0.4, .total_steps = 300, .cycle_momentum = false})},
      {"CyclicLR", schedule<CyclicLR>({.base_lr = 0.01, .max_lr = 0.1, .step_size_up = 20})},
      {"CyclicLR triangular2", schedule<CyclicLR>({.base_lr = {0.01, 0.02},
                                                   .max_lr = 0.1,
                                                   .step_size_up = 20,
                                                   .step_size_down = 30,
                                                   .mode = CyclicMode::triangular2})},
      {"CyclicLR exp_range", schedule<CyclicLR>({.base_lr = 0.01,
                                                 .max_lr = 0.1,
                                                 .step_size_up = 17,
                                                 .mode = CyclicMode::exp_range,
                                                 .gamma = 0.99,
                                                 .base_momentum = 0.5})},
      {"CyclicLR cycle", schedule<CyclicLR>({.base_lr = 0.01,
                                             .max_lr = 0.1,
                                             .step_size_up = 20,
                                             .scale_fn = [](double n) { return 1 / n; }})},
      {"CyclicLR iterations",
       schedule<CyclicLR>({.base_lr = 0.01,
                           .max_lr = 0.1,
                           .step_size_up = 20,
                           .scale_fn = [](double t) { return std::pow(0.98, t); },
                           .scale_mode = ScaleMode::iterations})},
      {"ChainedScheduler",
       Chained::of<ConstantLR, ExponentialLR>({.factor = 0.5, .total_iters = 20}, {.gamma = 0.99})},
      {"ChainedScheduler cosine",
       Chained::of<LinearLR, CosineAnnealingLR>({.start_factor = 0.1, .total_iters = 15},
                                                {.T_max = 100, .eta_min = 1e-3})},
      {"SequentialLR", warmed_up},
      {"SequentialLR many", many_in_turn},
      {"SWALR", schedule<SWALR>({.swa_lr = 0.05})},
      {"SWALR linear",
       schedule<SWALR>(
           {.swa_lr = {0.05, 0.1}, .anneal_epochs = 40, .anneal_strategy = Anneal::linear})},
      {"ReduceLROnPlateau", plateau({})},
      {"ReduceLROnPlateau max", plateau({.mode = Better::max,
                                         .factor = 0.5,
                                         .patience = 5,
                                         .threshold = 0.1,
                                         .threshold_mode = ThresholdMode::abs,
                                         .cooldown = 7,
                                         .min_lr = {0.01, 1e-3},
                                         .eps = 1e-3})},
      {"ReduceLROnPlateau rel",
       plateau({.mode = Better::max, .factor = 0.9, .patience = 3, .threshold = 0.05})},
  };
  return all;
}

template <class O>
std::unique_ptr<optim::Optimizer> two_groups() {
  typename O::Options first{}, second{};
  first.lr = 0.1;
  second.lr = 0.02;
  if constexpr (requires { first.momentum; }) first.momentum = second.momentum = 0.9;
  using Group = typename O::Group;
  return std::make_unique<O>(std::vector<Group>{{{zeros({1}, {.requires_grad = true})}, first},
                                                {{zeros({1}, {.requires_grad = true})}, second}});
}

double figure_of(int t) { return std::cos(0.05 * t) / (1 + 0.01 * t) + 0.5; }

template <std::size_t N>
void check_close(const std::vector<double>& values, const std::array<double, N>& expected,
                 double tolerance) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(std::abs(values[i] - expected[i]) <= tolerance * std::max(1.0, std::abs(expected[i])));
  }
}

}  // namespace

TEST_CASE("100 steps of every optimizer with several options are PyTorch's") {
  std::map<std::string, int> seen;
  std::unique_ptr<optim::Optimizer> optimizer;
  std::unique_ptr<Bowl> bowl;
  int step = 0;
  for (const OptimizerRow& row : optimizer_rows) {
    const std::string name = std::string(row.name) + " " + row.options;
    CAPTURE(name);
    CAPTURE(row.bits);
    CAPTURE(row.step);
    ++seen[name];
    if (row.step == 1) {
      bowl = std::make_unique<Bowl>(name, row.bits == 64 ? float64 : float32);
      optimizer = makers().at(name)(bowl->parameters());
      step = 0;
    }
    while (step < row.step) bowl->take_step(*optimizer, name, ++step);
    // A line search in float32 sees the loss to 1e-7 of its size, and so the place of the lowest
    // point to the root of that.
    const double in_float32 = row.name == std::string("LBFGS") ? 1e-4 : 1e-5;
    check_close(bowl->values(), row.parameters, row.bits == 64 ? 1e-10 : in_float32);
  }
  CHECK(seen.size() == makers().size());
}

TEST_CASE("300 steps of every schedule with several options are PyTorch's") {
  std::map<std::string, int> seen;
  std::unique_ptr<optim::Optimizer> optimizer;
  StepWith step_with;
  std::array<double, 2> sums;
  int step = 0;
  for (const ScheduleRow& row : schedule_rows) {
    const std::string name = row.name;
    CAPTURE(name);
    CAPTURE(row.step);
    ++seen[name];
    const auto add_rates = [&] {
      for (Size group = 0; group < 2; ++group) {
        sums[static_cast<std::size_t>(group)] += optimizer->lr(group);
      }
    };
    if (row.step == 0) {
      optimizer = name.ends_with("Adam") ? two_groups<optim::Adam>() : two_groups<optim::SGD>();
      step_with = schedules().at(name)(*optimizer);
      sums = {};
      step = 0;
      add_rates();
    }
    while (step < row.step) {
      step_with(figure_of(++step));
      add_rates();
    }
    const char* momentum = optimizer->has_option("momentum") ? "momentum" : "betas.0";
    check_close({optimizer->lr(0), optimizer->lr(1), sums[0], sums[1], optimizer->option(momentum)},
                row.values, 1e-10);
  }
  CHECK(seen.size() == schedules().size());
}
