#include "reel/optim/optimizer.h"

#include "reel/optim/adam.h"
#include "reel/optim/adamw.h"
#include "reel/optim/sgd.h"
#include "support/op_check.h"

using namespace reel;
using namespace reel::testing;

namespace {

Tensor parameter(double value) { return full({2}, value).requires_grad_(); }

Tensor slope(double value) { return full({2}, value); }

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
  CHECK(names == std::vector<std::string>{"state.0.step", "state.0.exp_avg", "state.0.exp_avg_sq",
                                          "param_groups.0.lr", "param_groups.0.betas.0",
                                          "param_groups.0.betas.1", "param_groups.0.eps",
                                          "param_groups.0.weight_decay", "param_groups.0.amsgrad"});
  const auto state = adam.state_dict();
  CHECK(state[0].second.item() == 1);
  check_values(state[1].second, {2}, {0.1, 0.1}, 1e-6);
  CHECK(state[3].second.item() == 0.25);
}

TEST_CASE("a saved state that does not fit is refused and changes nothing") {
  const Tensor a = parameter(1);
  optim::Adam adam{{a}, {.lr = 0.25}};
  a.set_grad(slope(1));
  adam.step();
  const optim::StateDict good = adam.state_dict();
  const auto without = [&](const std::string& name) {
    optim::StateDict state;
    for (const auto& entry : good) {
      if (entry.first != name) state.push_back(entry);
    }
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
  optim::StateDict more = good;
  more.emplace_back("state.1.step", tensor(1));
  CHECK_THROWS_WITH_AS(
      other.load_state_dict(more),
      "[load_state_dict] expected only entries of Adam with 1 parameters, got 1 "
      "more\nhelp: give the optimizer the same groups in the same order as when it "
      "was saved",
      Error);
  optim::StateDict wide = good;
  wide[1].second = zeros({3});
  CHECK_THROWS_WITH_AS(other.load_state_dict(wide),
                       "[load_state_dict] expected \"state.0.exp_avg\" of shape [2], got [3]",
                       Error);
  CHECK(other.lr() == 0.5);
  CHECK(other.state_dict().size() == 6);
  other.load_state_dict(good);
  CHECK(other.lr() == 0.25);
}

TEST_CASE("a loaded state is a copy") {
  const Tensor a = parameter(1);
  optim::Adam adam{{a}, {.lr = 0.25}};
  a.set_grad(slope(1));
  adam.step();
  const optim::StateDict saved = adam.state_dict();
  const std::vector<double> before = values_of(saved[1].second);
  adam.load_state_dict(saved);
  adam.step();
  CHECK(values_of(saved[1].second) == before);
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
  CHECK_THROWS_WITH_AS(sgd.set_lr(-0.1), "[SGD] expected lr of at least 0, got -0.1", Error);
}
