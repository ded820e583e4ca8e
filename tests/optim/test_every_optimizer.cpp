// What holds for every optimizer: saving and loading, names of the state, memory orders, refusals.

#include <limits>

#include "optim/every_optimizer.h"

using namespace reel;
using namespace reel::testing;

namespace {

const std::vector<Tensor> one = {zeros({2, 2}, {.requires_grad = true})};

/// What an optimizer keeps for its first parameter after a step.
template <class O, class Options>
std::vector<std::string> kept(const Options& options) {
  const Tensor p = ones({2, 3}).requires_grad_();
  p.set_grad(ones({2, 3}));
  O optimizer({p}, options);
  optimizer.step();
  std::vector<std::string> names;
  for (const auto& [name, tensor] : optimizer.state_dict()) {
    if (name.starts_with("state.0.")) names.push_back(name.substr(8));
  }
  return names;
}

template <class O, class Options>
void check_refused(const Options& options, const char* text) {
  CHECK_THROWS_WITH_AS(O(one, options), text, Error);
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("every optimizer goes on from a saved state as if never interrupted") {
  for (const auto& maker : makers()) {
    const auto& name = maker.first;
    const auto& make = maker.second;
    CAPTURE(name);
    const Bowl whole(name, float64), parted(name, float64);
    const auto through = make(whole.parameters());
    const auto first = make(parted.parameters());
    const auto second = make(parted.parameters());
    for (int t = 1; t <= 6; ++t) {
      whole.take_step(*through, name, t);
      if (t == 4) {
        for (const char* option : {"lr", "weight_decay"}) {
          if (second->has_option(option)) second->set_option(option, 0.5);
        }
        second->load_state_dict(first->state_dict());
      }
      parted.take_step(t < 4 ? *first : *second, name, t);
    }
    CHECK(whole.values() == parted.values());
  }
}

TEST_CASE("every optimizer does the same to a transposed and a strided parameter") {
  for (const auto& maker : makers()) {
    const auto& name = maker.first;
    const auto& make = maker.second;
    if (name.starts_with("LBFGS")) continue;
    CAPTURE(name);
    const Tensor plain = random_tensor({4, 6}).requires_grad_();
    const Tensor turned = plain.detach().t().contiguous().t().requires_grad_();
    const Tensor strided = strided_random_tensor({4, 6});
    strided.copy_(plain.detach());
    strided.requires_grad_();
    for (const Tensor& p : {plain, turned, strided}) {
      const auto optimizer = make({p});
      for (std::uint32_t t = 0; t < 3; ++t) {
        p.set_grad(random_tensor({4, 6}, -1, 1, t));
        optimizer->step();
      }
    }
    check_values(turned, {4, 6}, values_of(plain), 1e-14);
    check_values(strided, {4, 6}, values_of(plain), 1e-14);
  }
}

TEST_CASE("an empty parameter is nothing to any optimizer") {
  for (const auto& maker : makers()) {
    const auto& name = maker.first;
    const auto& make = maker.second;
    if (name.starts_with("LBFGS")) continue;
    CAPTURE(name);
    const Tensor p = zeros({0, 3}).requires_grad_();
    p.set_grad(zeros({0, 3}));
    const auto optimizer = make({p});
    optimizer->step();
    optimizer->load_state_dict(optimizer->state_dict());
  }
}

TEST_CASE("what optimizers keep has PyTorch's names") {
  using namespace optim;
  CHECK(kept<SGD>(SGDOptions{}) == Names{"step"});
  CHECK(kept<SGD>(SGDOptions{.momentum = 0.5}) == Names{"step", "momentum_buffer"});
  CHECK(kept<NAdam>(NAdamOptions{}) == Names{"step", "exp_avg", "exp_avg_sq", "mu_product"});
  CHECK(kept<RAdam>(RAdamOptions{}) == Names{"step", "exp_avg", "exp_avg_sq"});
  CHECK(kept<Adamax>(AdamaxOptions{}) == Names{"step", "exp_avg", "exp_inf"});
  CHECK(kept<Adagrad>(AdagradOptions{}) == Names{"step", "sum"});
  CHECK(kept<Adadelta>(AdadeltaOptions{}) == Names{"step", "square_avg", "acc_delta"});
  CHECK(kept<RMSprop>(RMSpropOptions{}) == Names{"step", "square_avg"});
  CHECK(kept<RMSprop>(RMSpropOptions{.momentum = 0.5, .centered = true}) ==
        Names{"step", "square_avg", "momentum_buffer", "grad_avg"});
  CHECK(kept<Rprop>(RpropOptions{}) == Names{"step", "prev", "step_size"});
  CHECK(kept<ASGD>(ASGDOptions{}) == Names{"step", "ax", "eta", "mu"});
  CHECK(kept<Lion>(LionOptions{}) == Names{"step", "exp_avg"});
  CHECK(kept<Adafactor>(AdafactorOptions{}) == Names{"step", "row_var", "col_var"});
  CHECK(kept<Muon>(MuonOptions{}) == Names{"step", "momentum_buffer"});
}

TEST_CASE("Adafactor keeps a row and a column of a matrix, and all of a vector") {
  const Tensor matrix = ones({2, 3}).requires_grad_(), vector = ones({3}).requires_grad_();
  optim::Adafactor adafactor{{matrix, vector}};
  for (const Tensor& p : {matrix, vector}) p.set_grad(ones_like(p));
  adafactor.step();
  const StateDict state = adafactor.state_dict();
  CHECK(state.at("state.0.row_var").shape() == Shape{2, 1});
  CHECK(state.at("state.0.col_var").shape() == Shape{1, 3});
  CHECK(state.at("state.1.variance").shape() == Shape{3});
  CHECK_FALSE(state.contains("state.1.row_var"));
}

TEST_CASE("Adafactor takes a parameter of three dimensions for a batch of matrices") {
  // Neither the parameter's size nor the step's is clipped, which would join the matrices.
  const optim::AdafactorOptions options{.eps = {1e-8, 10}, .d = 1e9};
  const Tensor batch = random_tensor({3, 4, 2}).requires_grad_();
  std::vector<Tensor> matrices;
  for (Size i = 0; i < 3; ++i) matrices.push_back(batch.detach()[i].clone().requires_grad_());
  optim::Adafactor of_batch{{batch}, options}, of_matrices{matrices, options};
  for (std::uint32_t t = 0; t < 4; ++t) {
    const Tensor gradient = random_tensor({3, 4, 2}, -1, 1, t);
    batch.set_grad(gradient);
    for (Size i = 0; i < 3; ++i) matrices[static_cast<std::size_t>(i)].set_grad(gradient[i]);
    of_batch.step();
    of_matrices.step();
  }
  for (Size i = 0; i < 3; ++i) {
    check_values(batch.detach()[i], {4, 2}, values_of(matrices[static_cast<std::size_t>(i)]),
                 1e-13);
  }
}

TEST_CASE("ASGD keeps the mean of the parameters from step t0 on") {
  const Tensor p = zeros({1}, {.dtype = float64}).requires_grad_();
  optim::ASGD asgd{{p}, {.lr = 0.1, .lambd = 0, .t0 = 3}};
  p.set_grad(ones({1}, {.dtype = float64}));
  double sum = 0;
  for (int t = 1; t <= 10; ++t) {
    asgd.step();
    if (t >= 5) sum += -0.1 * t;  // the weight of step t is 1 / (t - 1 - t0), 1 at first
  }
  check_values(asgd.state_dict().at("state.0.ax"), {1}, {sum / 6}, 1e-12);
}

TEST_CASE("a centered RMSprop stays finite where rounding makes the variance negative") {
  const Tensor p = zeros({64}).requires_grad_();
  optim::RMSprop rmsprop{{p}, {.alpha = 0.5, .centered = true}};
  p.set_grad(full({64}, 0.1));
  for (int i = 0; i < 100; ++i) rmsprop.step();
  CHECK(isfinite(p.detach()).all().item() == 1);
}

TEST_CASE("optimizers refuse options that cannot work") {
  using namespace optim;
  const double infinity = std::numeric_limits<double>::infinity();
  check_refused<NAdam>(NAdamOptions{.momentum_decay = -1},
                       "[NAdam] expected a finite momentum_decay of at least 0, got -1");
  check_refused<NAdam>(NAdamOptions{.betas = {1, 0}},
                       "[NAdam] expected betas in [0, 1), got {1, 0}");
  check_refused<RAdam>(RAdamOptions{.eps = infinity},
                       "[RAdam] expected a finite eps of at least 0, got inf");
  check_refused<RAdam>(RAdamOptions{.betas = {0, -1}},
                       "[RAdam] expected betas in [0, 1), got {0, -1}");
  check_refused<Adamax>(AdamaxOptions{.weight_decay = -1},
                        "[Adamax] expected a finite weight_decay of at least 0, got -1");
  check_refused<Adamax>(AdamaxOptions{.betas = {0, 2}},
                        "[Adamax] expected betas in [0, 1), got {0, 2}");
  check_refused<Adagrad>(
      AdagradOptions{.initial_accumulator_value = -1},
      "[Adagrad] expected a finite initial_accumulator_value of at least 0, got -1");
  check_refused<Adagrad>(AdagradOptions{.lr_decay = -1},
                         "[Adagrad] expected a finite lr_decay of at least 0, got -1");
  check_refused<Adadelta>(AdadeltaOptions{.rho = 1.5},
                          "[Adadelta] expected rho in [0, 1], got 1.5");
  check_refused<Adadelta>(AdadeltaOptions{.eps = -1},
                          "[Adadelta] expected a finite eps of at least 0, got -1");
  check_refused<RMSprop>(RMSpropOptions{.alpha = -1},
                         "[RMSprop] expected a finite alpha of at least 0, got -1");
  check_refused<RMSprop>(RMSpropOptions{.momentum = -1},
                         "[RMSprop] expected a finite momentum of at least 0, got -1");
  check_refused<Rprop>(RpropOptions{.etas = {0, 2}},
                       "[Rprop] expected a finite etas above 0, got {0, 2}");
  check_refused<Rprop>(RpropOptions{.etas = {0.5, 0.9}},
                       "[Rprop] expected 0 < etas.first < 1 < etas.second, got etas {0.5, 0.9}");
  check_refused<Rprop>(RpropOptions{.step_sizes = {2, 1}},
                       "[Rprop] expected step_sizes in order, got step_sizes {2, 1}");
  check_refused<ASGD>(ASGDOptions{.lambd = -1},
                      "[ASGD] expected a finite lambd of at least 0, got -1");
  check_refused<ASGD>(ASGDOptions{.t0 = infinity}, "[ASGD] expected a finite t0, got inf");
  check_refused<Lion>(LionOptions{.betas = {0.9, 1}},
                      "[Lion] expected betas in [0, 1), got {0.9, 1}");
  check_refused<Adafactor>(AdafactorOptions{.beta2_decay = 1},
                           "[Adafactor] expected beta2_decay of at most 0, got beta2_decay 1");
  check_refused<Adafactor>(AdafactorOptions{.eps = {-1, 1}},
                           "[Adafactor] expected a finite eps of at least 0, got {-1, 1}");
  check_refused<Adafactor>(AdafactorOptions{.d = 0.5},
                           "[Adafactor] expected d of at least 1, got d 0.5");
  check_refused<Muon>(MuonOptions{.ns_coefficients = {1, 2, infinity}},
                      "[Muon] expected a finite ns_coefficients, got {1, 2, inf}");
  check_refused<Muon>(MuonOptions{.ns_steps = 100},
                      "[Muon] expected ns_steps in [0, 100), got ns_steps 100");
  check_refused<LBFGS>(LBFGSOptions{.max_iter = 0},
                       "[LBFGS] expected a finite max_iter above 0, got 0");
  check_refused<LBFGS>(LBFGSOptions{.max_eval = 0},
                       "[LBFGS] expected a finite max_eval above 0, got 0");
  check_refused<LBFGS>(LBFGSOptions{.history_size = -1},
                       "[LBFGS] expected a finite history_size above 0, got -1");
}

TEST_CASE("Muon and LBFGS say which parameters they take") {
  const Tensor vector = zeros({3}, {.requires_grad = true});
  const Tensor wide = zeros({2, 2}, {.dtype = float64, .requires_grad = true});
  CHECK_THROWS_WITH_AS(
      optim::Muon({one[0], vector}),
      "[Muon] expected matrices, got one of shape [3] as parameter 1 of group 0\n"
      "help: give biases, norms, embeddings and filters to another optimizer, as AdamW",
      Error);
  CHECK_THROWS_WITH_AS(optim::LBFGS({one[0], wide}),
                       "[LBFGS] expected parameters of one dtype, got float32 and float64", Error);
  optim::LBFGS lbfgs{one};
  CHECK_THROWS_WITH_AS(
      lbfgs.add_param_group({{vector}}),
      "[LBFGS] expected one group of parameters, got another, with parameter 0 of group 1", Error);
  CHECK_THROWS_WITH_AS(lbfgs.step(),
                       doctest::Contains("[LBFGS] expected a closure, got none\nhelp: "), Error);
}

TEST_CASE("choices and counts are saved as numbers, and other numbers refused") {
  optim::LBFGS lbfgs{one, {.max_iter = 7, .line_search_fn = optim::LineSearch::strong_wolfe}};
  const StateDict saved = lbfgs.state_dict();
  CHECK(saved.at("param_groups.0.max_iter").item() == 7);
  CHECK(saved.at("param_groups.0.line_search_fn").item() == 1);
  optim::LBFGS other{one, {.max_eval = 3}};
  other.load_state_dict(saved);
  CHECK(other.options().line_search_fn == optim::LineSearch::strong_wolfe);
  CHECK_FALSE(other.options().max_eval.has_value());
  CHECK_THROWS_WITH_AS(
      other.set_option("line_search_fn", 2),
      "[LBFGS] expected the number of a choice as \"param_groups.0.line_search_fn\", got 2", Error);
  CHECK_THROWS_WITH_AS(
      other.set_option("max_iter", 1.5),
      "[LBFGS] expected a whole number of at most 2^53 as \"param_groups.0.max_iter\", got 1.5",
      Error);
}

TEST_CASE("LBFGS finds the bottom of Rosenbrock's valley") {
  const Tensor x = tensor({-1.2, 1.0}, {.dtype = float64}).requires_grad_();
  optim::LBFGS lbfgs{{x}, {.max_iter = 100, .line_search_fn = optim::LineSearch::strong_wolfe}};
  const auto closure = [&] {
    lbfgs.zero_grad();
    const Tensor loss = square(1 - x[0]) + 100 * square(x[1] - square(x[0]));
    loss.backward();
    return loss;
  };
  CHECK(lbfgs.step(closure).item() == doctest::Approx(24.2));
  check_values(x, {2}, {1, 1}, 1e-4);
}
