#include "reel/optim/lr_scheduler/lr_scheduler.h"

#include <cmath>

#include "reel/optim/adagrad.h"
#include "reel/optim/adam.h"
#include "reel/optim/sgd.h"
#include "support/op_check.h"

using namespace reel;
using namespace reel::testing;

namespace {

Tensor parameter() { return zeros({1}, {.requires_grad = true}); }

optim::SGD two_groups() {
  return optim::SGD{{optim::SGD::Group{{parameter()}, {.lr = 0.1, .momentum = 0.9}},
                     optim::SGD::Group{{parameter()}, {.lr = 0.02, .momentum = 0.9}}}};
}

/// The options of a schedule are refused with this text.
template <class S>
void check_refused(const typename S::Options& options, const char* text) {
  optim::SGD sgd = two_groups();
  CHECK_THROWS_WITH_AS(S(sgd, options), text, Error);
}

}  // namespace

TEST_CASE("a schedule sets the rate when it is made and at every step, and tells it") {
  optim::SGD sgd = two_groups();
  optim::LinearLR scheduler{sgd, {.start_factor = 0.5, .total_iters = 2}};
  CHECK(sgd.lr(0) == 0.05);
  CHECK(scheduler.get_last_lr() == std::vector<double>{0.05, 0.01});
  scheduler.step();
  CHECK(sgd.lr(1) == doctest::Approx(0.015));
  scheduler.step();
  CHECK(sgd.lr(0) == doctest::Approx(0.1));
  CHECK(scheduler.last_epoch() == 2);
  CHECK(scheduler.name() == std::string("LinearLR"));
}

TEST_CASE("a schedule that multiplies goes on from a rate that was set by hand") {
  optim::SGD sgd = two_groups();
  optim::ExponentialLR scheduler{sgd, {.gamma = 0.5}};
  sgd.set_lr(0, 8);
  scheduler.step();
  CHECK(sgd.lr(0) == 4);
  CHECK(sgd.lr(1) == 0.01);
}

TEST_CASE("schedules go on from a saved state as if never interrupted") {
  const auto check_resume = [](auto make, int steps) {
    optim::SGD whole = two_groups(), parted = two_groups(), later = two_groups();
    const auto through = make(whole);
    const auto first = make(parted);
    for (int i = 0; i < steps; ++i) {
      through->step();
      first->step();
    }
    const auto second = make(later);
    later.load_state_dict(parted.state_dict());
    second->load_state_dict(first->state_dict());
    CHECK(second->get_last_lr() == first->get_last_lr());
    for (int i = 0; i < 20; ++i) {
      through->step();
      second->step();
      CHECK(later.lr(0) == whole.lr(0));
      CHECK(later.lr(1) == whole.lr(1));
      CHECK(later.option("momentum") == whole.option("momentum"));
    }
  };
  check_resume(
      [](optim::Optimizer& o) {
        return std::make_unique<optim::CosineAnnealingLR>(
            o, optim::CosineAnnealingLROptions{.T_max = 9});
      },
      7);
  check_resume(
      [](optim::Optimizer& o) {
        return std::make_unique<optim::OneCycleLR>(
            o, optim::OneCycleLROptions{.max_lr = 0.5, .total_steps = 40});
      },
      11);
  const auto sequential = [](optim::Optimizer& o) {
    // What holds two schedules and takes turns with them.
    struct Warm {
      explicit Warm(optim::Optimizer& of)
          : first(of, {.total_iters = 5}),
            second(of, {.step_size = 3}),
            both(of, {first, second}, {.milestones = {10}}) {}
      void step() { both.step(); }
      StateDict state_dict() const { return both.state_dict(); }
      void load_state_dict(const StateDict& state) { both.load_state_dict(state); }
      const std::vector<double>& get_last_lr() const { return both.get_last_lr(); }

      optim::LinearLR first;
      optim::StepLR second;
      optim::SequentialLR both;
    };
    return std::make_unique<Warm>(o);
  };
  check_resume(sequential, 3);
  check_resume(sequential, 12);
}

TEST_CASE("a plateau goes on from a saved state") {
  optim::SGD sgd = two_groups();
  optim::ReduceLROnPlateau first{sgd, {.patience = 1}};
  for (const double loss : {3.0, 2.0, 2.0}) first.step(loss);
  optim::ReduceLROnPlateau second{sgd, {.patience = 1}};
  second.load_state_dict(first.state_dict());
  CHECK(second.best() == 2);
  CHECK(second.last_epoch() == 3);
  second.step(std::nan(""));  // no better
  CHECK(sgd.lr(0) == doctest::Approx(0.01));
  CHECK(second.get_last_lr()[1] == doctest::Approx(0.002));
}

TEST_CASE("a state that does not fit a schedule is refused and changes nothing") {
  optim::SGD sgd = two_groups();
  optim::StepLR scheduler{sgd, {.step_size = 2}};
  const StateDict good = scheduler.state_dict();
  const auto with = [&](const char* name, const Tensor& value) {
    StateDict state = good;
    state[name] = value;
    return state;
  };
  CHECK_THROWS_WITH_AS(scheduler.load_state_dict({}),
                       "[load_state_dict] expected an entry \"last_epoch\" for StepLR, got none",
                       Error);
  CHECK_THROWS_WITH_AS(scheduler.load_state_dict(with("gamma", full({}, 1.0))),
                       "[load_state_dict] expected only entries of StepLR, got also \"gamma\"",
                       Error);
  CHECK_THROWS_WITH_AS(
      scheduler.load_state_dict(with("last_epoch", full({}, 1.5))),
      "[load_state_dict] expected a whole number in [0, 2^53] as \"last_epoch\", got 1.5", Error);
  CHECK_THROWS_WITH_AS(scheduler.load_state_dict(with("base_lrs.1", zeros({2}))),
                       "[load_state_dict] expected a number as \"base_lrs.1\", got shape [2]",
                       Error);
  CHECK(scheduler.last_epoch() == 0);
}

TEST_CASE("schedules refuse options that cannot work") {
  using namespace optim;
  check_refused<StepLR>({}, "[StepLR] expected a finite step_size above 0, got 0");
  check_refused<StepLR>({.step_size = 1, .gamma = -1},
                        "[StepLR] expected a finite gamma of at least 0, got -1");
  check_refused<MultiStepLR>(
      {.milestones = {3, -1}},
      "[MultiStepLR] expected a finite milestones of at least 0, got {3, -1}");
  check_refused<ConstantLR>({.factor = 2}, "[ConstantLR] expected factor in [0, 1], got 2");
  check_refused<ConstantLR>({.factor = 0}, "[ConstantLR] expected a finite factor above 0, got 0");
  check_refused<LinearLR>({.start_factor = 0},
                          "[LinearLR] expected a finite start_factor above 0, got 0");
  check_refused<LinearLR>({.end_factor = 2}, "[LinearLR] expected end_factor in [0, 1], got 2");
  check_refused<LinearLR>({.total_iters = 0},
                          "[LinearLR] expected a finite total_iters above 0, got 0");
  check_refused<ExponentialLR>({},
                               "[ExponentialLR] expected a finite gamma of at least 0, got nan");
  check_refused<PolynomialLR>({.power = -1},
                              "[PolynomialLR] expected a finite power of at least 0, got -1");
  check_refused<CosineAnnealingLR>({},
                                   "[CosineAnnealingLR] expected a finite T_max above 0, got 0");
  check_refused<CosineAnnealingWarmRestarts>(
      {}, "[CosineAnnealingWarmRestarts] expected a finite T_0 above 0, got 0");
  check_refused<CosineAnnealingWarmRestarts>(
      {.T_0 = 1, .T_mult = 0},
      "[CosineAnnealingWarmRestarts] expected a finite T_mult above 0, got 0");
  check_refused<LambdaLR>({}, "[LambdaLR] expected either lr_lambda or lr_lambdas, got none");
  check_refused<LambdaLR>({.lr_lambdas = {[](Size) { return 1.0; }}},
                          "[LambdaLR] expected one of lr_lambdas for each of 2 groups, got 1");
  check_refused<MultiplicativeLR>(
      {.lr_lambda = [](Size) { return 1.0; }, .lr_lambdas = {[](Size) { return 1.0; }}},
      "[MultiplicativeLR] expected either lr_lambda or lr_lambdas, got both");
  check_refused<OneCycleLR>({.total_steps = 5},
                            "[OneCycleLR] expected a finite max_lr of at least 0, got nan");
  check_refused<OneCycleLR>(
      {.max_lr = 1, .epochs = 2},
      "[OneCycleLR] expected total_steps, or epochs and steps_per_epoch, got total_steps none, "
      "epochs 2 and steps_per_epoch none");
  check_refused<OneCycleLR>({.max_lr = 1, .total_steps = 5, .pct_start = 2},
                            "[OneCycleLR] expected pct_start in [0, 1], got 2");
  check_refused<OneCycleLR>({.max_lr = {1, 2, 3}, .total_steps = 5},
                            "[OneCycleLR] expected one max_lr or one for each of 2 groups, got 3");
  check_refused<CyclicLR>({.base_lr = 1},
                          "[CyclicLR] expected a finite max_lr of at least 0, got nan");
  check_refused<CyclicLR>({.base_lr = 0, .max_lr = 1, .step_size_up = 0},
                          "[CyclicLR] expected a finite step_size_up above 0, got 0");
  check_refused<SWALR>({}, "[SWALR] expected a finite swa_lr of at least 0, got nan");

  SGD sgd = two_groups();
  CHECK_THROWS_WITH_AS(ReduceLROnPlateau(sgd, {.factor = 1}),
                       "[ReduceLROnPlateau] expected factor in [0, 1), got 1", Error);
  CHECK_THROWS_WITH_AS(ReduceLROnPlateau(sgd, {.min_lr = {1, 2, 3}}),
                       "[ReduceLROnPlateau] expected one min_lr or one for each of 2 groups, got 3",
                       Error);
}

TEST_CASE("momentum cycles only where there is one") {
  optim::Adagrad adagrad{{parameter()}};
  CHECK_THROWS_WITH_AS(optim::OneCycleLR(adagrad, {.max_lr = 1, .total_steps = 5}),
                       "[OneCycleLR] expected an optimizer with momentum or betas, got Adagrad\n"
                       "help: write .cycle_momentum = false",
                       Error);
  optim::OneCycleLR scheduler{adagrad, {.max_lr = 1, .total_steps = 5, .cycle_momentum = false}};
  CHECK(adagrad.lr() == doctest::Approx(0.04));
  for (int i = 0; i < 5; ++i) scheduler.step();
  CHECK_THROWS_WITH_AS(scheduler.step(), "[OneCycleLR] expected at most 5 steps, got 6", Error);
  CHECK(scheduler.last_epoch() == 5);
}

TEST_CASE("a schedule says when the optimizer has got more groups, and a rate that is refused") {
  optim::SGD sgd = two_groups();
  optim::ExponentialLR scheduler{sgd, {.gamma = 0.5}};
  sgd.add_param_group({{parameter()}});
  CHECK_THROWS_WITH_AS(scheduler.step(),
                       "[ExponentialLR] expected the 2 groups that the optimizer had when the "
                       "schedule was made, got 3",
                       Error);
  optim::SGD other = two_groups();
  CHECK_THROWS_WITH_AS(optim::LambdaLR(other, {.lr_lambda = [](Size) { return -1.0; }}),
                       "[SGD] expected a finite lr of at least 0, got -0.1", Error);
}

TEST_CASE("combined schedules belong to one optimizer and take turns at milestones") {
  optim::SGD sgd = two_groups(), other = two_groups();
  optim::ExponentialLR of_sgd{sgd, {.gamma = 0.5}}, of_other{other, {.gamma = 0.5}};
  CHECK_THROWS_WITH_AS(optim::ChainedScheduler(optim::Schedulers{}),
                       "[ChainedScheduler] expected at least one schedule, got none", Error);
  CHECK_THROWS_WITH_AS(
      optim::ChainedScheduler({of_sgd, of_other}),
      "[ChainedScheduler] expected schedules of one optimizer, got a ExponentialLR of another",
      Error);
  CHECK_THROWS_WITH_AS(
      optim::SequentialLR(sgd, {of_other}, {}),
      "[SequentialLR] expected schedules of this optimizer, got a ExponentialLR of another", Error);
  CHECK_THROWS_WITH_AS(optim::SequentialLR(sgd, {}, {}),
                       "[SequentialLR] expected at least one schedule, got none", Error);
  CHECK_THROWS_WITH_AS(optim::SequentialLR(sgd, {of_sgd, of_sgd}, {}),
                       "[SequentialLR] expected 1 milestones for 2 schedules, got 0", Error);
  CHECK_THROWS_WITH_AS(
      optim::SequentialLR(sgd, {of_sgd, of_sgd, of_sgd}, {.milestones = {4, 2}}),
      "[SequentialLR] expected milestones of at least 0 in ascending order, got [4, 2]", Error);
}
