#include "reel/optim/average.h"

#include "support/op_check.h"

using namespace reel;
using namespace reel::testing;

namespace {

Tensor weight(double value, DType dtype = float64) {
  return full({3}, value, {.dtype = dtype}).requires_grad_();
}

}  // namespace

TEST_CASE("an exponential average begins with the parameters and forgets at its rate") {
  for (const DType dtype : {float32, float64}) {
    const Tensor p = weight(1, dtype);
    optim::ExponentialMovingAverage ema{{p}, {.decay = 0.75}};
    check_values(ema.averages()[0], {3}, {1, 1, 1});
    p.detach().fill_(2);
    ema.update();  // the first takes them as they are
    check_values(ema.averages()[0], {3}, {2, 2, 2});
    p.detach().fill_(4);
    ema.update();
    check_values(ema.averages()[0], {3}, {2.5, 2.5, 2.5});
    ema.update();
    check_values(ema.averages()[0], {3}, {2.875, 2.875, 2.875});
    CHECK(ema.n_averaged() == 3);
    check_values(p, {3}, {4, 4, 4});
  }
}

TEST_CASE("a stochastic weight average is the mean of what it was given") {
  const Tensor p = weight(7);
  optim::StochasticWeightAverage swa({p});
  for (const double value : {1.0, 2.0, 6.0, 11.0}) {
    p.detach().fill_(value);
    swa.update();
  }
  check_values(swa.averages()[0], {3}, {5, 5, 5}, 1e-14);
}

TEST_CASE("averages follow parameters of any memory order, and of another dtype since") {
  Tensor p = strided_random_tensor({4, 6});
  const Tensor turned = random_tensor({6, 4}).t();
  optim::ExponentialMovingAverage ema{{p, turned}, {.decay = 0.5}};
  ema.update();
  const std::vector<double> before = values_of(p), turned_before = values_of(turned);
  p.fill_(2);
  turned.fill_(2);
  ema.update();
  std::vector<double> expected, turned_expected;
  for (const double x : before) expected.push_back((x + 2) / 2);
  for (const double x : turned_before) turned_expected.push_back((x + 2) / 2);
  check_values(ema.averages()[0], {4, 6}, expected, 1e-14);
  check_values(ema.averages()[1], {4, 6}, turned_expected, 1e-14);
}

TEST_CASE("a guard lends the parameters their averages") {
  const Tensor p = weight(1);
  optim::ExponentialMovingAverage ema{{p}, {.decay = 0.5}};
  ema.update();
  p.detach().fill_(3);
  ema.update();
  {
    const optim::AverageGuard averaged(ema);
    check_values(p, {3}, {2, 2, 2});
  }
  check_values(p, {3}, {3, 3, 3});
  ema.copy_to_parameters();
  check_values(p, {3}, {2, 2, 2});
  CHECK(p.requires_grad());
}

TEST_CASE("an average goes on from a saved state") {
  const Tensor p = weight(1);
  optim::ExponentialMovingAverage ema{{p}, {.decay = 0.5}};
  ema.update();
  const StateDict saved = ema.state_dict();
  CHECK(saved.at("n_averaged").item() == 1);
  p.detach().fill_(3);
  optim::ExponentialMovingAverage other{{p}, {.decay = 0.5}};
  other.load_state_dict(saved);
  other.update();
  check_values(other.averages()[0], {3}, {2, 2, 2});
  check_values(saved.at("averages.0"), {3}, {1, 1, 1});

  const auto with = [&](const char* name, const Tensor& value) {
    StateDict state = saved;
    state[name] = value;
    return state;
  };
  CHECK_THROWS_WITH_AS(
      other.load_state_dict({}),
      "[load_state_dict] expected an entry \"n_averaged\" for ExponentialMovingAverage, got none",
      Error);
  CHECK_THROWS_WITH_AS(other.load_state_dict(with("averages.0", zeros({2}))),
                       "[load_state_dict] expected \"averages.0\" of shape [3], got [2]", Error);
  CHECK_THROWS_WITH_AS(
      other.load_state_dict(with("n_averaged", full({}, -1.0))),
      "[load_state_dict] expected a whole number in [0, 2^53] as \"n_averaged\", got -1", Error);
  CHECK_THROWS_WITH_AS(other.load_state_dict(with("averages.1", zeros({3}))),
                       "[load_state_dict] expected 2 entries, of ExponentialMovingAverage with 1 "
                       "parameters, got 3",
                       Error);
  CHECK(other.n_averaged() == 2);
}

TEST_CASE("averages refuse what they cannot average") {
  const Tensor p = weight(1);
  CHECK_THROWS_WITH_AS(optim::ExponentialMovingAverage({p}, {.decay = 1.5}),
                       "[ExponentialMovingAverage] expected decay in [0, 1], got 1.5", Error);
  CHECK_THROWS_WITH_AS(optim::StochasticWeightAverage(std::vector<Tensor>{}),
                       "[StochasticWeightAverage] expected at least one parameter, got none",
                       Error);
  CHECK_THROWS_WITH_AS(
      optim::StochasticWeightAverage({p, Tensor()}),
      "[StochasticWeightAverage] expected tensors, got an undefined one as parameter 1", Error);
  CHECK_THROWS_WITH_AS(
      optim::StochasticWeightAverage({zeros({2}, {.dtype = int64})}),
      "[StochasticWeightAverage] expected float32 or float64, got int64 as parameter 0", Error);
}
