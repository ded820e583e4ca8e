#include "reel/optim/optimizer.h"

#include <cmath>
#include <limits>

#include "reel/optim/adam.h"
#include "reel/optim/adamw.h"
#include "reel/optim/sgd.h"
#include "support/op_check.h"

using namespace reel;
using namespace reel::testing;

namespace {

Tensor parameter(double value) { return full({2}, value).requires_grad_(); }

Tensor slope(double value) { return full({2}, value); }

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");

Tensor number(double value) { return tensor(value, {.dtype = float64}); }

std::vector<std::string> names_of(const StateDict& state) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state) names.push_back(name);
  return names;
}

/// A copy of a state in which one entry holds something else.
StateDict with(StateDict state, const std::string& name, const Tensor& value) {
  CHECK(state.contains(name));
  state[name] = value;
  return state;
}

/// An SGD with two steps of momentum behind it.
optim::SGD moving_sgd(const Tensor& p, const optim::SGDOptions& options) {
  optim::SGD sgd{{p}, options};
  for (const double g : {1.0, 2.0}) {
    p.set_grad(slope(g));
    sgd.step();
  }
  return sgd;
}

}  // namespace

TEST_CASE("groups have options of their own") {
  const Tensor a = parameter(1);
  const Tensor b = parameter(1);
  const Tensor c = parameter(1);
  optim::SGD sgd{{optim::SGD::Group{{a, b}, {.lr = 0.1}}, optim::SGD::Group{{c}, {.lr = 0.5}}}};
  CHECK(sgd.num_groups() == 2);
  CHECK(sgd.lr(0) == 0.1);
  CHECK(sgd.lr(1) == 0.5);
  CHECK(sgd.parameters(0).size() == 2);
  CHECK(sgd.parameters(1)[0].is_same(c));
  for (const Tensor& p : {a, b, c}) p.set_grad(slope(1));
  sgd.step();
  check_values(a, {2}, {0.9, 0.9}, 1e-6);
  check_values(c, {2}, {0.5, 0.5}, 1e-6);

  sgd.set_lr(1, 0.25);
  sgd.step();
  check_values(b, {2}, {0.8, 0.8}, 1e-6);
  check_values(c, {2}, {0.25, 0.25}, 1e-6);
  sgd.set_lr(0);
  sgd.step();
  check_values(c, {2}, {0.25, 0.25}, 1e-6);
  sgd.options(0).lr = 1;
  CHECK(sgd.lr() == 1);

  const Tensor late = parameter(1);
  sgd.add_param_group({{late}, {.lr = 2, .momentum = 0.9}});
  CHECK(sgd.num_groups() == 3);
  CHECK(sgd.options(2).momentum == 0.9);
  late.set_grad(slope(1));
  sgd.step();
  check_values(late, {2}, {-1, -1}, 1e-6);
}

TEST_CASE("a vector of groups makes an optimizer") {
  const Tensor a = parameter(1);
  const Tensor b = parameter(1);
  std::vector<optim::Adam::Group> groups;
  groups.push_back({{a}, {.lr = 0.1}});
  groups.push_back({{b}});
  const optim::Adam adam{groups};
  CHECK(adam.lr(0) == 0.1);
  CHECK(adam.lr(1) == 1e-3);
}

TEST_CASE("a parameter without a gradient is skipped, zero_grad clears them") {
  const Tensor a = parameter(1);
  const Tensor b = parameter(1);
  optim::Adam adam{{a, b}, {.lr = 0.1, .weight_decay = 1}};
  a.set_grad(slope(1));
  const auto version = b.version();
  adam.step();
  check_values(a, {2}, {0.9, 0.9}, 1e-6);
  check_values(b, {2}, {1, 1});
  CHECK(b.version() == version);
  adam.zero_grad();
  CHECK_FALSE(a.grad().defined());
  adam.step();
  check_values(a, {2}, {0.9, 0.9}, 1e-6);
}

TEST_CASE("a step is an in-place change that backward notices") {
  const Tensor p = parameter(2);
  optim::SGD sgd{{p}};
  const Tensor y = square(p).sum();
  p.set_grad(slope(1));
  sgd.step();
  CHECK_THROWS_AS(y.backward(), Error);
}

TEST_CASE("training goes on from a saved state as if never interrupted") {
  const auto train = [](optim::Optimizer& optimizer, const Tensor& p, int from, int to) {
    for (int i = from; i < to; ++i) {
      p.set_grad(random_tensor(p.shape(), -1, 1, static_cast<std::uint32_t>(i)).to(float32));
      optimizer.step();
    }
  };
  const auto check_resume = [&](auto make) {
    const Tensor whole = random_tensor({3, 4}).to(float32).requires_grad_();
    const Tensor parted = whole.detach().clone().requires_grad_();
    auto through = make(whole);
    train(through, whole, 0, 6);
    auto first = make(parted);
    first.set_lr(through.lr());
    train(first, parted, 0, 3);
    auto second = make(parted);
    second.set_lr(7);
    second.load_state_dict(first.state_dict());
    CHECK(second.lr() == first.lr());
    train(second, parted, 3, 6);
    CHECK(values_of(parted) == values_of(whole));
  };
  check_resume([](const Tensor& p) { return optim::SGD({p}, {.lr = 0.1, .momentum = 0.9}); });
  check_resume([](const Tensor& p) { return optim::Adam({p}, {.lr = 0.1, .amsgrad = true}); });
  check_resume([](const Tensor& p) { return optim::AdamW({p}, {.lr = 0.1}); });
}

TEST_CASE("the saved state has PyTorch's names") {
  const Tensor a = parameter(1);
  const Tensor untouched = parameter(1);
  optim::Adam adam{{a, untouched}, {.lr = 0.25}};
  a.set_grad(slope(1));
  adam.step();
  std::vector<std::string> names;
  for (const auto& [name, tensor] : adam.state_dict()) names.push_back(name);
  CHECK(names == std::vector<std::string>{
                     "state.0.step", "state.0.exp_avg", "state.0.exp_avg_sq", "param_groups.0.lr",
                     "param_groups.0.betas.0", "param_groups.0.betas.1", "param_groups.0.eps",
                     "param_groups.0.weight_decay", "param_groups.0.amsgrad",
                     "param_groups.0.maximize", "param_groups.0.decoupled_weight_decay"});
  const StateDict state = adam.state_dict();
  CHECK(state.at("state.0.step").item() == 1);
  check_values(state.at("state.0.exp_avg"), {2}, {0.1, 0.1}, 1e-6);
  CHECK(state.at("param_groups.0.lr").item() == 0.25);
}

TEST_CASE("a saved state that does not fit is refused and changes nothing") {
  const Tensor a = parameter(1);
  optim::Adam adam{{a}, {.lr = 0.25}};
  a.set_grad(slope(1));
  adam.step();
  const StateDict good = adam.state_dict();
  const auto without = [&](const std::string& name) {
    StateDict state = good;
    CHECK(state.erase(name));
    return state;
  };
  const Tensor b = parameter(1);
  optim::Adam other{{b}, {.lr = 0.5}};
  CHECK_THROWS_WITH_AS(other.load_state_dict(without("state.0.exp_avg")),
                       "[load_state_dict] expected an entry \"state.0.exp_avg\" for Adam, got none",
                       Error);
  CHECK_THROWS_WITH_AS(
      other.load_state_dict(without("param_groups.0.lr")),
      "[load_state_dict] expected an entry \"param_groups.0.lr\" for Adam, got none", Error);
  StateDict more = good;
  more["state.1.step"] = tensor(1);
  CHECK_THROWS_WITH_AS(
      other.load_state_dict(more),
      "[load_state_dict] expected only entries of Adam with 1 parameters, got also "
      "\"state.1.step\"\nhelp: give the optimizer the same groups in the same order as when it "
      "was saved",
      Error);
  StateDict wide = good;
  wide["state.0.exp_avg"] = zeros({3});
  CHECK_THROWS_WITH_AS(other.load_state_dict(wide),
                       "[load_state_dict] expected \"state.0.exp_avg\" of shape [2], got [3]",
                       Error);
  CHECK(other.lr() == 0.5);
  CHECK(other.state_dict().size() == 8);
  other.load_state_dict(good);
  CHECK(other.lr() == 0.25);
}

TEST_CASE("a loaded state is a copy") {
  const Tensor a = parameter(1);
  optim::Adam adam{{a}, {.lr = 0.25}};
  a.set_grad(slope(1));
  adam.step();
  const StateDict saved = adam.state_dict();
  const std::vector<double> before = values_of(saved.at("state.0.exp_avg"));
  adam.load_state_dict(saved);
  adam.step();
  CHECK(values_of(saved.at("state.0.exp_avg")) == before);
}

TEST_CASE("optimizers take leaves that require grad, each once") {
  const Tensor a = parameter(1);
  CHECK_THROWS_WITH_AS(optim::SGD(std::vector<Tensor>{}),
                       "[SGD] expected at least one parameter, got none", Error);
  CHECK_THROWS_WITH_AS(optim::SGD(std::vector<optim::SGD::Group>{}),
                       "[SGD] expected at least one group of parameters, got none", Error);
  CHECK_THROWS_WITH_AS(
      optim::SGD({a, a * 2}),
      "[SGD] expected leaves of the tape, got a result of 'mul' as parameter 1 of group 0\n"
      "help: give the tensor it was computed from, or its detach()",
      Error);
  CHECK_THROWS_WITH_AS(
      optim::Adam({zeros({2, 3})}),
      "[Adam] expected parameters that require grad, got one of shape [2, 3] that does not as "
      "parameter 0 of group 0\nhelp: call requires_grad_() on it, or leave it out if it is frozen",
      Error);
  CHECK_THROWS_WITH_AS(optim::SGD({Tensor()}),
                       "[SGD] expected tensors, got an undefined one as parameter 0 of group 0",
                       Error);
  CHECK_THROWS_WITH_AS(optim::SGD({a, a}),
                       "[SGD] expected different parameters, got parameter 1 of group 0 twice",
                       Error);
  optim::SGD sgd({a});
  CHECK_THROWS_WITH_AS(sgd.add_param_group({{a}}),
                       "[SGD] expected different parameters, got parameter 0 of group 1 twice",
                       Error);
  CHECK(sgd.num_groups() == 1);
  CHECK_THROWS_WITH_AS(sgd.set_lr(1, 0.1), "[SGD] expected a group in [0, 1), got 1", Error);
  CHECK_THROWS_WITH_AS(sgd.set_lr(-0.1), "[SGD] expected a finite lr of at least 0, got -0.1",
                       Error);
}

TEST_CASE("what an option that is switched off has kept stays under its name") {
  const Tensor p = parameter(1);
  optim::SGD sgd = moving_sgd(p, {.lr = 0.1, .momentum = 0.5});
  sgd.options().momentum = 0;
  const StateDict state = sgd.state_dict();
  check_values(state.at("state.0.momentum_buffer"), {2}, {2.5, 2.5});

  const auto check_amsgrad = [&](auto adam) {
    p.set_grad(slope(3));
    adam.step();
    adam.options().amsgrad = false;
    adam.step();
    CHECK(adam.state_dict().contains("state.0.max_exp_avg_sq"));
    adam.load_state_dict(adam.state_dict());
    adam.options().amsgrad = true;
    adam.step();
    CHECK(adam.state_dict().contains("state.0.max_exp_avg_sq"));
  };
  check_amsgrad(optim::Adam({p}, {.amsgrad = true}));
  check_amsgrad(optim::AdamW({p}, {.amsgrad = true}));
}

TEST_CASE("momentum off and on again goes on where it was") {
  const Tensor p = parameter(1);
  optim::SGD sgd = moving_sgd(p, {.lr = 0.1, .momentum = 0.5});
  sgd.options().momentum = 0;
  p.detach().fill_(0);
  p.set_grad(slope(1));
  sgd.step();
  check_values(p, {2}, {-0.1, -0.1}, 1e-6);  // no momentum in it
  sgd.options().momentum = 0.5;
  p.detach().fill_(0);
  sgd.step();
  check_values(p, {2}, {-0.225, -0.225}, 1e-6);  // 0.5 * 2.5 + 1
}

TEST_CASE("momentum that comes late begins with the whole gradient, as in the first step") {
  const Tensor p = parameter(1);
  optim::SGD sgd = moving_sgd(p, {.lr = 0.1, .dampening = 0.75});
  sgd.options().momentum = 0.5;
  p.detach().fill_(0);
  p.set_grad(slope(1));
  sgd.step();
  check_values(p, {2}, {-0.1, -0.1}, 1e-6);
  p.detach().fill_(0);
  sgd.step();
  check_values(p, {2}, {-0.075, -0.075}, 1e-6);  // 0.5 * 1 + 0.25 * 1
}

TEST_CASE("amsgrad that comes late begins with the average of now") {
  const Tensor p = parameter(1);
  optim::Adam adam{{p}, {.lr = 0.1}};
  for (int i = 0; i < 3; ++i) {
    p.set_grad(slope(2));
    adam.step();
  }
  adam.options().amsgrad = true;
  adam.step();
  const StateDict state = adam.state_dict();
  CHECK(values_of(state.at("state.0.max_exp_avg_sq")) == values_of(state.at("state.0.exp_avg_sq")));
}

TEST_CASE("a saved state brings its options, and with them its buffers") {
  const Tensor p = parameter(1);
  const StateDict saved = moving_sgd(p, {.lr = 0.1, .momentum = 0.5}).state_dict();
  optim::SGD plain{{p}, {.lr = 7}};
  plain.load_state_dict(saved);
  CHECK(plain.options().momentum == 0.5);
  p.detach().fill_(0);
  p.set_grad(slope(1));
  plain.step();
  check_values(p, {2}, {-0.225, -0.225}, 1e-6);

  // Buffers beside the options that do without them are kept, and come back out.
  plain.load_state_dict(with(saved, "param_groups.0.momentum", number(0)));
  CHECK(names_of(plain.state_dict()) == names_of(saved));
  plain.step();
  CHECK(names_of(plain.state_dict()) == names_of(saved));

  // An option that was switched on after the last step has no buffer yet.
  optim::SGD late = moving_sgd(p, {.lr = 0.1});
  late.options().momentum = 0.5;
  plain.load_state_dict(late.state_dict());
  CHECK(plain.options().momentum == 0.5);
}

TEST_CASE("loaded numbers are checked like those of a constructor, before anything changes") {
  const Tensor p = parameter(1);
  optim::SGD sgd = moving_sgd(p, {.lr = 0.25, .momentum = 0.5, .nesterov = true});
  const StateDict good = sgd.state_dict();
  const auto refused = [&](const char* name, const Tensor& value, const std::string& text) {
    CAPTURE(name);
    CHECK_THROWS_WITH_AS(sgd.load_state_dict(with(good, name, value)), text.c_str(), Error);
    const StateDict now = sgd.state_dict();
    REQUIRE(names_of(now) == names_of(good));
    for (const auto& [key, kept] : good) CHECK(values_of(now.at(key)) == values_of(kept));
  };
  for (const double lr : {-5.0, not_a_number, -not_a_number, infinity}) {
    const std::string got = std::isnan(lr) ? "nan" : lr < 0 ? "-5" : "inf";
    refused("param_groups.0.lr", number(lr),
            "[SGD] expected a finite lr of at least 0, got " + got);
  }
  refused("param_groups.0.dampening", number(not_a_number),
          "[SGD] expected a finite dampening, got nan");
  refused("param_groups.0.momentum", number(0),
          "[SGD] expected momentum above 0 and no dampening for nesterov, got momentum 0 and "
          "dampening 0");
  refused("param_groups.0.nesterov", number(0.5),
          "[load_state_dict] expected 0 or 1 as \"param_groups.0.nesterov\", got 0.5");
  for (const auto& [step, got] :
       {std::pair{-1.0, "-1"}, std::pair{-not_a_number, "nan"}, std::pair{1e30, "1e+30"},
        std::pair{1.5, "1.5"}, std::pair{infinity, "inf"}}) {
    refused("state.0.step", number(step),
            std::string("[load_state_dict] expected a whole number in [0, 2^53] as "
                        "\"state.0.step\", got ") +
                got);
  }
  refused("state.0.step", tensor({1.0, 2.0}),
          "[load_state_dict] expected \"state.0.step\" of shape [], got [2]");
  refused("state.0.step", Tensor(),
          "[load_state_dict] expected a tensor as \"state.0.step\", got an undefined one");
  refused("state.0.momentum_buffer", Tensor(),
          "[load_state_dict] expected a tensor as \"state.0.momentum_buffer\", got an undefined "
          "one");
  refused("state.0.momentum_buffer", zeros({2}, {.dtype = int64}),
          "[load_state_dict] expected \"state.0.momentum_buffer\" in float32 or float64, got "
          "int64");

  optim::Adam adam{{p}};
  const StateDict state = adam.state_dict();
  CHECK_THROWS_WITH_AS(adam.load_state_dict(with(state, "param_groups.0.betas.1", number(7))),
                       "[Adam] expected betas in [0, 1), got {0.9, 7}", Error);
  CHECK(adam.options().betas.second == 0.999);
}

TEST_CASE(
    "options that were changed to what cannot work stop the step before it changes anything") {
  const Tensor a = parameter(1);
  const Tensor b = parameter(1);
  optim::SGD sgd{{optim::SGD::Group{{a}}, optim::SGD::Group{{b}}}};
  for (const Tensor& p : {a, b}) p.set_grad(slope(1));
  sgd.options(1).lr = -3;
  CHECK_THROWS_WITH_AS(sgd.step(), "[SGD] expected a finite lr of at least 0, got -3", Error);
  sgd.options(1) = {.dampening = infinity};
  CHECK_THROWS_WITH_AS(sgd.step(), "[SGD] expected a finite dampening, got inf", Error);
  CHECK(values_of(a) == std::vector<double>{1, 1});

  optim::AdamW adam{{a}};
  adam.options().betas = {7, 7};
  CHECK_THROWS_WITH_AS(adam.step(), "[AdamW] expected betas in [0, 1), got {7, 7}", Error);
  CHECK(values_of(a) == std::vector<double>{1, 1});
}

TEST_CASE("a learning rate is checked where it is set, for all groups before the first changes") {
  const Tensor a = parameter(1);
  const Tensor b = parameter(1);
  optim::Adam adam{{optim::Adam::Group{{a}}, optim::Adam::Group{{b}}}};
  for (const double lr : {infinity, not_a_number, -1.0}) {
    CHECK_THROWS_WITH_AS(adam.set_lr(lr), doctest::Contains("[Adam] expected a finite lr"), Error);
    CHECK_THROWS_WITH_AS(adam.set_lr(1, lr), doctest::Contains("[Adam] expected a finite lr"),
                         Error);
  }
  CHECK(adam.lr(0) == 1e-3);
  CHECK(adam.lr(1) == 1e-3);
  adam.set_lr(0);  // a schedule may end there
  adam.step();
  CHECK(adam.lr(1) == 0);

  adam.options(1).betas = {7, 7};
  CHECK_THROWS_AS(adam.set_lr(0.5), Error);
  CHECK(adam.lr(0) == 0);
}

TEST_CASE("a group that does not exist is told") {
  const Tensor a = parameter(1);
  optim::SGD sgd{{a}};
  CHECK_THROWS_WITH_AS(sgd.options(9), "[SGD] expected a group in [0, 1), got 9", Error);
  CHECK_THROWS_WITH_AS(sgd.options(-1), "[SGD] expected a group in [0, 1), got -1", Error);
  CHECK_THROWS_WITH_AS(std::as_const(sgd).options(1), "[SGD] expected a group in [0, 1), got 1",
                       Error);
}

TEST_CASE("options are read and set by name") {
  const Tensor a = parameter(1);
  const Tensor b = parameter(1);
  optim::Adam adam{{optim::Adam::Group{{a}, {.lr = 0.1}}, optim::Adam::Group{{b}}}};
  CHECK(adam.option("lr") == 0.1);
  CHECK(adam.option("betas.1", 1) == 0.999);
  CHECK(adam.option("amsgrad") == 0);
  CHECK(adam.has_option("betas.0"));
  CHECK_FALSE(adam.has_option("momentum"));
  adam.set_option("betas.0", 0.5);
  CHECK(adam.options(0).betas.first == 0.5);
  CHECK(adam.options(1).betas.first == 0.5);
  adam.set_option(1, "amsgrad", 1);
  CHECK_FALSE(adam.options(0).amsgrad);
  CHECK(adam.options(1).amsgrad);
  CHECK_THROWS_WITH_AS(
      adam.option("momentum"),
      "[Adam] expected an option among \"lr\", \"betas.0\", \"betas.1\", \"eps\", "
      "\"weight_decay\", \"amsgrad\", \"maximize\", \"decoupled_weight_decay\", got \"momentum\"",
      Error);
  CHECK_THROWS_WITH_AS(adam.set_option("betas.1", 2),
                       "[Adam] expected betas in [0, 1), got {0.5, 2}", Error);
  CHECK_THROWS_WITH_AS(adam.set_option("amsgrad", 2),
                       "[Adam] expected 0 or 1 as \"param_groups.0.amsgrad\", got 2", Error);
  CHECK_THROWS_WITH_AS(adam.set_option(2, "lr", 2), "[Adam] expected a group in [0, 2), got 2",
                       Error);
  CHECK(adam.options(0).betas.second == 0.999);
}

TEST_CASE("a step with a closure computes the loss, recorded, and returns it") {
  const Tensor p = parameter(3);
  optim::SGD sgd{{p}, {.lr = 0.25}};
  const auto closure = [&] {
    sgd.zero_grad();
    const Tensor loss = square(p).sum();
    loss.backward();
    return loss;
  };
  const NoGradGuard no_grad;
  CHECK(sgd.step(closure).item() == 18);
  check_values(p, {2}, {1.5, 1.5});
  CHECK_THROWS_WITH_AS(sgd.step(nullptr),
                       "[SGD] expected a closure that returns the loss, got an empty function",
                       Error);
  sgd.options().lr = -1;
  CHECK_THROWS_AS(sgd.step(closure), Error);
}

TEST_CASE("a state from before there was a switch has it off") {
  const Tensor p = parameter(1);
  optim::Adam adam{{p}, {.lr = 0.25, .maximize = true}};
  StateDict state = adam.state_dict();
  for (const char* later : {"maximize", "decoupled_weight_decay"}) {
    CHECK(state.erase(std::string("param_groups.0.") + later));
  }
  adam.load_state_dict(state);
  CHECK_FALSE(adam.options().maximize);
}

TEST_CASE("what a number becomes does not hang on its place in the parameter") {
  const Tensor whole = random_tensor({37}).to(float32).requires_grad_();
  std::vector<Tensor> parts;
  for (Size i = 0; i < 37; ++i) parts.push_back(whole.detach().slice(0, i, i + 1).clone());
  for (Tensor& part : parts) part.requires_grad_();
  optim::Adam of_whole{{whole}, {.lr = 0.1}};
  optim::Adam of_parts{parts, {.lr = 0.1}};
  for (std::uint32_t step = 0; step < 5; ++step) {
    const Tensor gradient = random_tensor({37}, -1, 1, step).to(float32);
    whole.set_grad(gradient);
    for (Size i = 0; i < 37; ++i) {
      parts[static_cast<std::size_t>(i)].set_grad(gradient.slice(0, i, i + 1).clone());
    }
    of_whole.step();
    of_parts.step();
  }
  const std::vector<double> together = values_of(whole);
  for (std::size_t i = 0; i < parts.size(); ++i) CHECK(values_of(parts[i])[0] == together[i]);
}

TEST_CASE("a list of one tensor or one group makes an optimizer, in braces and in parentheses") {
  const Tensor p = parameter(1);
  const optim::SGD::Group group{{p}, {.lr = 0.5}};
  CHECK(optim::SGD({p}).parameters().size() == 1);
  CHECK(optim::SGD{{p}}.parameters().size() == 1);
  CHECK(optim::SGD({p}, {.lr = 0.5}).lr() == 0.5);
  CHECK(optim::SGD({group}).lr() == 0.5);
  CHECK(optim::SGD{{group}}.lr() == 0.5);
}
