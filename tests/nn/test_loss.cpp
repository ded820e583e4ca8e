#include "reel/nn/loss.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "reel/autograd/gradcheck.h"
#include "reel/autograd/random.h"
#include "reel/ops/create/create.h"
#include "reel/ops/create/random.h"
#include "reel/ops/index/index.h"
#include "support/compare.h"

using namespace reel;
using nn::Reduction;

namespace {

Tensor logits(const Shape& shape) {
  Generator generator(3);
  return randn(shape, generator, {.dtype = float64});
}

/// Checks first and second derivatives with respect to the input.
template <class F>
void check_gradients(F loss, const Tensor& input) {
  const Tensor x = input.detach().requires_grad_();
  const GradcheckResult first = gradcheck(loss, x);
  CHECK_MESSAGE(first.ok, first.message);
  const GradcheckResult second = gradgradcheck(loss, x);
  CHECK_MESSAGE(second.ok, second.message);
}

}  // namespace

TEST_CASE("cross entropy is minus the log-probability of the target") {
  const Tensor x = tensor({{1.0, 2.0, 3.0}, {1.0, 2.0, 3.0}});
  const Tensor target = tensor({2, 0});
  CHECK(nn::cross_entropy(x, target).item() == doctest::Approx((0.4076060 + 2.4076060) / 2));
  CHECK(nn::cross_entropy(x, target, {.reduction = Reduction::sum}).item() ==
        doctest::Approx(0.4076060 + 2.4076060));
  CHECK(testing::close(nn::cross_entropy(x, target, {.reduction = Reduction::none}),
                       tensor({0.4076060, 2.4076060})));
  CHECK(testing::close(nn::cross_entropy(x[0], tensor(2)), tensor(0.4076060)));
}

TEST_CASE(
    "cross entropy with weights, smoothing and ignored targets, from classes or probabilities") {
  // Values from the formula of torch.nn.functional.cross_entropy:
  // mean = sum_i w_ti * loss_i / sum_i w_ti over the targets that count.
  const Tensor x = logits({4, 3});
  const Tensor target = tensor({2, 0, 1, 2});
  const Tensor weight = tensor({0.2, 0.5, 1.0});
  const Tensor log_p = log_softmax(x, 1);
  const auto at = [&](Size i, Size c) { return log_p[i][c].item(); };

  const double counted = -(0.2 * at(1, 0) + 0.5 * at(2, 1) + 1.0 * at(3, 2));
  const Tensor ignoring = tensor({-100, 0, 1, 2});
  CHECK(nn::cross_entropy(x, ignoring, {.weight = weight}).item() ==
        doctest::Approx(counted / 1.7));
  CHECK(nn::nll_loss(log_p, ignoring, {.weight = weight}).item() == doctest::Approx(counted / 1.7));

  double smooth = 0;
  const Size classes[] = {2, 0, 1, 2};
  for (Size i = 0; i < 4; ++i)
    for (Size c = 0; c < 3; ++c) smooth -= at(i, c) * ((c == classes[i] ? 0.7 : 0) + 0.1);
  CHECK(nn::cross_entropy(x, target, {.label_smoothing = 0.3}).item() ==
        doctest::Approx(smooth / 4));

  const Tensor p = one_hot(target, 3).to(float64);
  CHECK(nn::cross_entropy(x, p, {.label_smoothing = 0.3}).item() == doctest::Approx(smooth / 4));
  CHECK(testing::close(nn::cross_entropy(x, p, {.reduction = Reduction::none}),
                       nn::cross_entropy(x, target, {.reduction = Reduction::none})));
}

TEST_CASE("cross entropy of images has one class for each pixel") {
  const Tensor x = logits({2, 3, 2, 2});
  const Tensor target = tensor({{{0, 1}, {2, 0}}, {{1, 1}, {-1, 2}}});
  const nn::CrossEntropyOptions options{.ignore_index = -1, .reduction = Reduction::none};
  const Tensor losses = nn::cross_entropy(x, target, options);
  CHECK(losses.shape() == Shape{2, 2, 2});
  CHECK(losses[1][1][0].item() == 0);
  const Tensor row = x.permute({0, 2, 3, 1}).reshape({8, 3});
  CHECK(testing::close(losses.flatten(), nn::cross_entropy(row, target.flatten(), options)));
  CHECK(testing::close(nn::nll_loss(log_softmax(x, 1), target, {.ignore_index = -1}),
                       nn::cross_entropy(x, target, {.ignore_index = -1})));
  const Tensor p = softmax(logits({2, 3, 2, 2}) * 2, 1);
  CHECK(nn::cross_entropy(x, p).item() ==
        doctest::Approx(-(p * log_softmax(x, 1)).sum().item() / 8));
}

TEST_CASE("cross entropy from probabilities is that of their logits") {
  const Tensor x = logits({4, 3});
  const Tensor target = tensor({2, 0, -100, 1});
  const nn::CrossEntropyOptions options{
      .weight = tensor({0.2, 0.5, 1.0}), .label_smoothing = 0.1, .from_logits = true};
  nn::CrossEntropyOptions from_p = options;
  from_p.from_logits = false;
  CHECK(testing::close(nn::cross_entropy(softmax(x, 1), target, from_p),
                       nn::cross_entropy(x, target, options)));
  check_gradients([&](const Tensor& z) { return nn::cross_entropy(softmax(z, 1), target, from_p); },
                  x);
}

TEST_CASE("cross entropy from probabilities learns from a target of probability next to 0") {
  const Tensor x = tensor({{60.0, 0.0}}).requires_grad_();
  nn::cross_entropy(softmax(x, 1), tensor({1}), {.from_logits = false}).backward();
  CHECK(testing::close(x.grad(), tensor({{1.0, -1.0}})));
  const Tensor gone = tensor({{200.0, 0.0}}).requires_grad_();
  const Tensor loss = nn::cross_entropy(softmax(gone, 1), tensor({1}), {.from_logits = false});
  CHECK(std::isfinite(loss.item()));
  loss.backward();
  CHECK(std::isfinite(gone.grad().sum().item()));
}

TEST_CASE("an ignored row reaches neither the loss nor a gradient, whatever it holds") {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor target = tensor({-100, 1});
  const Tensor weight = tensor({inf, 2.0, 1.0});  // infinite for class 0, which is nobody's
  const auto check_rows = [&](auto loss, double bad) {
    CAPTURE(bad);
    const Tensor good = tensor({{0.2, 0.3, 0.5}, {0.2, 0.3, 0.5}}).requires_grad_();
    const Tensor x = tensor({{bad, bad, 0.5}, {0.2, 0.3, 0.5}}).requires_grad_();
    CHECK(testing::same(loss(x), loss(good)));
    for (const bool create_graph : {false, true}) {
      const Tensor slope = grad({loss(x).sum()}, {x}, {.create_graph = create_graph})[0];
      CHECK(testing::same(slope[0], zeros({3})));
      CHECK(testing::close(slope, grad(loss(good).sum(), good)));
      if (!slope.requires_grad()) continue;
      CHECK(testing::same(grad(slope.square().sum(), x)[0], zeros({3})));
    }
  };
  for (const double bad : {inf, -inf, std::nan("")}) {
    for (const Reduction reduction : {Reduction::none, Reduction::mean, Reduction::sum}) {
      check_rows([&](const Tensor& x) { return nn::nll_loss(x, target, {.reduction = reduction}); },
                 bad);
      check_rows(
          [&](const Tensor& x) {
            return nn::nll_loss(x, target, {.weight = weight, .reduction = reduction});
          },
          bad);
      for (const bool from_logits : {true, false}) {
        check_rows(
            [&](const Tensor& x) {
              return nn::cross_entropy(
                  x, target,
                  {.reduction = reduction, .label_smoothing = 0.1, .from_logits = from_logits});
            },
            bad);
      }
    }
  }
}

TEST_CASE("a mean over nothing is NaN") {
  CHECK(std::isnan(nn::cross_entropy(logits({1, 3}), tensor({-100})).item()));
  CHECK(std::isnan(nn::nll_loss(logits({1, 3}), tensor({-100})).item()));
  CHECK(std::isnan(nn::mse_loss(zeros({0}), zeros({0})).item()));
}

TEST_CASE("classification losses pass gradcheck") {
  const Tensor target = tensor({2, 0, 1, -100});
  const Tensor weight = tensor({0.2, 0.5, 1.0});
  for (const Reduction reduction : {Reduction::none, Reduction::mean, Reduction::sum}) {
    check_gradients(
        [&](const Tensor& x) { return nn::cross_entropy(x, target, {.reduction = reduction}); },
        logits({4, 3}));
    check_gradients(
        [&](const Tensor& x) {
          return nn::cross_entropy(
              x, target, {.weight = weight, .reduction = reduction, .label_smoothing = 0.2});
        },
        logits({4, 3}));
    check_gradients(
        [&](const Tensor& x) {
          return nn::nll_loss(x, target, {.weight = weight, .reduction = reduction});
        },
        logits({4, 3}));
    check_gradients(
        [&](const Tensor& x) {
          return nn::cross_entropy(
              x, softmax(logits({4, 3}), 1),
              {.weight = weight, .reduction = reduction, .label_smoothing = 0.1});
        },
        logits({4, 3}));
  }
  const Tensor pixels = tensor({{0, 2}, {1, -100}});
  check_gradients([&](const Tensor& x) { return nn::cross_entropy(x, pixels); }, logits({2, 3, 2}));
}

TEST_CASE("regression losses follow their formulas") {
  const Tensor x = tensor({0.0, 1.0, 4.0});
  const Tensor t = tensor({0.5, 1.0, 1.0});
  CHECK(nn::mse_loss(x, t).item() == doctest::Approx((0.25 + 9) / 3));
  CHECK(nn::l1_loss(x, t).item() == doctest::Approx(3.5 / 3));
  CHECK(nn::huber_loss(x, t).item() == doctest::Approx((0.125 + 2.5) / 3));
  CHECK(nn::huber_loss(x, t, {.delta = 2}).item() == doctest::Approx((0.125 + 4) / 3));
  CHECK(nn::smooth_l1_loss(x, t).item() == doctest::Approx((0.125 + 2.5) / 3));
  CHECK(nn::smooth_l1_loss(x, t, {.beta = 2}).item() == doctest::Approx((0.0625 + 2) / 3));
  CHECK(nn::smooth_l1_loss(x, t, {.beta = 0}).item() == doctest::Approx(3.5 / 3));
  CHECK(testing::same(nn::l1_loss(x, t, {Reduction::none}), tensor({0.5, 0.0, 3.0})));
  CHECK(nn::mse_loss(x, t, {Reduction::sum}).item() == doctest::Approx(9.25));
}

TEST_CASE("binary losses follow their formulas") {
  const Tensor x = tensor({-1.0, 0.0, 3.0});
  const Tensor t = tensor({0.0, 1.0, 0.25});
  const Tensor expected = tensor({0.3132617, 0.6931472, 0.0485874 + 0.75 * 3});
  CHECK(testing::close(nn::binary_cross_entropy_with_logits(x, t, {.reduction = Reduction::none}),
                       expected));
  CHECK(testing::close(nn::binary_cross_entropy(sigmoid(x), t, {.reduction = Reduction::none}),
                       expected));
  CHECK(nn::binary_cross_entropy_with_logits(x, t).item() ==
        doctest::Approx(expected.mean().item()));

  const Tensor weight = tensor({1.0, 0.0, 2.0});
  CHECK(testing::close(nn::binary_cross_entropy(sigmoid(x), t, {.weight = weight}),
                       (expected * weight).mean()));
  // pos_weight counts the part of the loss that the positive target makes.
  const Tensor weighted = nn::binary_cross_entropy_with_logits(
      x, t, {.weight = weight, .pos_weight = tensor(3.0), .reduction = Reduction::none});
  CHECK(testing::close(weighted,
                       weight * (3 * t * -log(sigmoid(x)) - (1 - t) * log(1 - sigmoid(x)))));
}

TEST_CASE("binary cross entropy of logits is exact far from 0") {
  const Tensor x = tensor({-4.0, 4.0}, {.dtype = float64});
  const Tensor losses =
      nn::binary_cross_entropy_with_logits(x, tensor({0.0, 0.0}), {.reduction = Reduction::none});
  CHECK(losses[0].item() == doctest::Approx(0.018149927917809738).epsilon(1e-14));
  CHECK(losses[1].item() == doctest::Approx(4.0181499279178097).epsilon(1e-14));
}

TEST_CASE("binary losses stay finite at the ends") {
  const Tensor far = tensor({1000.0, -1000.0}).requires_grad_();
  const Tensor loss = nn::binary_cross_entropy_with_logits(far, tensor({0.0, 1.0}));
  CHECK(loss.item() == 1000);
  loss.backward();
  CHECK(testing::same(far.grad(), tensor({0.5, -0.5})));

  CHECK(nn::binary_cross_entropy(tensor({0.0, 1.0}), tensor({0.0, 1.0})).item() == 0);
}

TEST_CASE("binary cross entropy at the ends has the values and slopes of PyTorch") {
  // torch 2.15: F.binary_cross_entropy(p, t, reduction="none") and its gradients.
  for (const DType dtype : {float32, float64}) {
    const TensorOptions options{.dtype = dtype};
    const Tensor p = tensor({0., 1., 0., 1., 0.5, 0.}, options).requires_grad_();
    const Tensor t = tensor({1., 0., 0., 1., 0.25, 0.5}, options).requires_grad_();
    const Tensor losses = nn::binary_cross_entropy(p, t, {.reduction = Reduction::none});
    CHECK(testing::close(losses, tensor({100., 100., 0., 0., std::log(2.), 50.}), 1e-6));
    losses.sum().backward();
    CHECK(testing::close(p.grad(), tensor({-1e12, 1e12, 0., 0., 1., -5e11}), 1e-6));
    const double inf = std::numeric_limits<double>::infinity();
    CHECK(testing::same(t.grad().to(float64),
                        tensor({inf, -inf, inf, -inf, 0., inf}, {.dtype = float64})));
  }
  const Tensor rounded = tensor({-1e-6, 1 + 1e-6}).requires_grad_();
  CHECK(nn::binary_cross_entropy(rounded, tensor({0., 1.})).item() == 0);
  CHECK(nn::binary_cross_entropy(rounded, tensor({1., 0.})).item() == 100);
  const Tensor p = tensor({0.25f}).requires_grad_();
  nn::binary_cross_entropy(p, tensor({1}), {}).backward();
  CHECK(p.grad().item() == doctest::Approx(-4));
  nn::binary_cross_entropy(p, tensor({1.}, {.dtype = float64}), {}).backward();
  CHECK(p.grad().item() == doctest::Approx(-8));
}

TEST_CASE("an infinite difference has the slope of the line, an undefined one is NaN") {
  const double inf = std::numeric_limits<double>::infinity();
  for (const double sign : {1., -1.}) {
    const Tensor x = tensor({sign * inf}).requires_grad_();
    const Tensor huber = nn::huber_loss(x, zeros({1}), {.delta = 2});
    CHECK(huber.item() == inf);
    CHECK(grad(huber, x).item() == 2 * sign);
    const Tensor smooth = nn::smooth_l1_loss(x, zeros({1}), {.beta = 2});
    CHECK(smooth.item() == inf);
    CHECK(grad(smooth, x).item() == sign);
  }
  const Tensor x = tensor({std::nan("")}).requires_grad_();
  CHECK(std::isnan(grad(nn::huber_loss(x, zeros({1})), x).item()));
  CHECK(std::isnan(grad(nn::smooth_l1_loss(x, zeros({1})), x).item()));
}

TEST_CASE("a beta too small for the dtype makes smooth_l1_loss l1_loss, as 0 does") {
  for (const double beta : {0., 1e-320}) {
    const Tensor x = tensor({1.0, 2.0, 0.5}).requires_grad_();
    const Tensor losses =
        nn::smooth_l1_loss(x, ones({3}), {.beta = beta, .reduction = Reduction::none});
    CHECK(testing::same(losses, tensor({0.0, 1.0, 0.5})));
    CHECK(testing::same(grad(losses.sum(), x), tensor({0.0, 1.0, -1.0})));
  }
}

TEST_CASE("regression and binary losses pass gradcheck") {
  const Tensor t = softmax(logits({2, 3}) * 3, 1);
  check_gradients([&](const Tensor& x) { return nn::mse_loss(x, t); }, logits({2, 3}));
  check_gradients([&](const Tensor& x) { return nn::l1_loss(x, t); }, logits({2, 3}));
  check_gradients([&](const Tensor& x) { return nn::huber_loss(x, t, {.delta = 0.7}); },
                  logits({2, 3}));
  check_gradients([&](const Tensor& x) { return nn::smooth_l1_loss(x, t, {.beta = 0.7}); },
                  logits({2, 3}));
  check_gradients(
      [&](const Tensor& x) {
        return nn::binary_cross_entropy_with_logits(
            x, t, {.weight = tensor({1.0, 2.0, 3.0}), .pos_weight = tensor({2.0, 1.0, 0.5})});
      },
      logits({2, 3}));
  check_gradients([&](const Tensor& x) { return nn::binary_cross_entropy_with_logits(x, t); },
                  zeros({2, 3}, {.dtype = float64}));
  check_gradients([&](const Tensor& x) { return nn::binary_cross_entropy(x, t); },
                  softmax(logits({2, 3}), 1));
}

TEST_CASE("loss objects call the functions of their names") {
  const Tensor x = logits({4, 3});
  const Tensor classes = tensor({2, 0, 1, 2});
  const Tensor t = softmax(logits({4, 3}) * 2, 1);
  const Tensor p = softmax(x, 1);
  CHECK(testing::same(nn::CrossEntropyLoss{.label_smoothing = 0.1}(x, classes),
                      nn::cross_entropy(x, classes, {.label_smoothing = 0.1})));
  CHECK(testing::same(nn::CrossEntropyLoss{.from_logits = false}(p, classes),
                      nn::cross_entropy(p, classes, {.from_logits = false})));
  CHECK(testing::same(nn::NLLLoss{}(log(p), classes), nn::nll_loss(log(p), classes)));
  CHECK(testing::same(nn::MSELoss{Reduction::sum}(x, t), nn::mse_loss(x, t, {Reduction::sum})));
  CHECK(testing::same(nn::L1Loss{}(x, t), nn::l1_loss(x, t)));
  CHECK(testing::same(nn::HuberLoss{.delta = 0.5}(x, t), nn::huber_loss(x, t, {.delta = 0.5})));
  CHECK(
      testing::same(nn::SmoothL1Loss{.beta = 0.5}(x, t), nn::smooth_l1_loss(x, t, {.beta = 0.5})));
  CHECK(testing::same(nn::BCELoss{}(p, t), nn::binary_cross_entropy(p, t)));
  CHECK(testing::same(nn::BCEWithLogitsLoss{.pos_weight = tensor(2.0)}(x, t),
                      nn::binary_cross_entropy_with_logits(x, t, {.pos_weight = tensor(2.0)})));
}

TEST_CASE("losses refuse what does not fit") {
  const Tensor x = logits({4, 3});
  CHECK_THROWS_WITH_AS(nn::cross_entropy(x, tensor({0, 1, 2, 3})),
                       "[cross_entropy] expected classes in [0, 3), got 3", Error);
  CHECK_THROWS_WITH_AS(nn::nll_loss(x, tensor({0, 1, 2, -1})),
                       "[nll_loss] expected classes in [0, 3), got -1", Error);
  CHECK_THROWS_WITH_AS(
      nn::nll_loss(x, tensor({0, 1})),
      "[nll_loss] expected classes of shape [4] for an input of shape [4, 3], got [2]", Error);
  CHECK_THROWS_AS(nn::cross_entropy(x, tensor({0, 1})), Error);
  CHECK_THROWS_AS(nn::cross_entropy(x, zeros({4})), Error);
  CHECK_THROWS_AS(nn::cross_entropy(x, zeros({4, 2})), Error);
  CHECK_THROWS_WITH_AS(nn::nll_loss(x, zeros({4})),
                       doctest::Contains("help: convert them with target.to(int64)"), Error);
  CHECK_THROWS_AS(nn::cross_entropy(tensor({{1, 2}}), tensor({0})), Error);
  CHECK_THROWS_AS(nn::cross_entropy(tensor(1.0), tensor(0)), Error);
  CHECK_THROWS_AS(nn::nll_loss(tensor(1.0), tensor(0)), Error);
  CHECK_THROWS_AS(nn::cross_entropy(x, tensor({0, 1, 2, 0}), {.weight = ones({2})}), Error);
  CHECK_THROWS_AS(nn::nll_loss(x, tensor({0, 1, 2, 0}), {.weight = ones({2})}), Error);
  CHECK_THROWS_AS(nn::cross_entropy(x, tensor({0, 1, 2, 0}), {.label_smoothing = 2}), Error);
  CHECK_THROWS_AS(nn::cross_entropy(x, softmax(x, 1), {.ignore_index = 1}), Error);
  CHECK_THROWS_WITH_AS(
      nn::cross_entropy(tensor({{-3.0, 2.0}}), tensor({0}), {.from_logits = false}),
      "[cross_entropy] expected probabilities in [0, 1], got numbers from -3 to 2\n"
      "help: for logits use {.from_logits = true}",
      Error);
  CHECK_THROWS_WITH_AS(nn::mse_loss(zeros({2}), zeros({2, 1})),
                       "[mse_loss] expected a target of the input's shape [2], got [2, 1]\n"
                       "help: target.squeeze(1)",
                       Error);
  CHECK_THROWS_AS(nn::l1_loss(zeros({2}), zeros({3})), Error);
  CHECK_THROWS_AS(nn::l1_loss(tensor({1}), tensor({1})), Error);
  CHECK_THROWS_AS(nn::huber_loss(zeros({2}), zeros({2}), {.delta = 0}), Error);
  CHECK_THROWS_AS(nn::smooth_l1_loss(zeros({2}), zeros({2}), {.beta = -1}), Error);
  CHECK_THROWS_WITH_AS(nn::huber_loss(zeros({2}), zeros({2}), {.delta = -std::nan("")}),
                       "[huber_loss] expected a delta above 0, got nan", Error);
  CHECK_THROWS_AS(nn::smooth_l1_loss(zeros({2}), zeros({2}), {.beta = std::nan("")}), Error);
  CHECK_THROWS_AS(nn::cross_entropy(x, tensor({0, 1, 2, 0}), {.label_smoothing = std::nan("")}),
                  Error);
  CHECK_THROWS_AS(nn::binary_cross_entropy(tensor({1.5}), tensor({1.0})), Error);
  CHECK_THROWS_AS(nn::binary_cross_entropy_with_logits(zeros({2}), zeros({3})), Error);
}

TEST_CASE("weights of binary losses broadcast to the target and do not enlarge it") {
  const Tensor x = full({2, 3}, 0.5), t = ones({2, 3});
  const Tensor by_class = tensor({1.0, 2.0, 3.0}), by_sample = tensor({{1.0}, {2.0}});
  const nn::BinaryCrossEntropyOptions none{.reduction = Reduction::none};
  const Tensor losses = nn::binary_cross_entropy(x, t, none);
  for (const Tensor& weight : {by_class, by_sample}) {
    CHECK(testing::same(
        nn::binary_cross_entropy(x, t, {.weight = weight, .reduction = Reduction::none}),
        losses * weight));
  }
  CHECK_THROWS_WITH_AS(nn::binary_cross_entropy(x, t, {.weight = ones({4, 2, 3})}),
                       "[binary_cross_entropy] expected a weight that broadcasts to the target's "
                       "shape [2, 3], got shape [4, 2, 3]",
                       Error);
  CHECK_THROWS_WITH_AS(nn::binary_cross_entropy(x, t, {.weight = ones({2})}),
                       doctest::Contains("target's shape [2, 3], got shape [2]"), Error);
  CHECK_THROWS_WITH_AS(
      nn::binary_cross_entropy_with_logits(x[0], t[0], {.weight = ones({2, 3})}),
      "[binary_cross_entropy_with_logits] expected a weight that broadcasts to the target's "
      "shape [3], got shape [2, 3]",
      Error);
  for (const Shape& wrong : {Shape{2}, Shape{1, 2, 3}}) {
    CHECK_THROWS_WITH_AS(nn::binary_cross_entropy_with_logits(x, t, {.pos_weight = ones(wrong)}),
                         doctest::Contains("[binary_cross_entropy_with_logits] expected a "
                                           "pos_weight that broadcasts to the target's shape"),
                         Error);
  }
}

TEST_CASE("losses say what to do with a target of the usual wrong kinds") {
  const Tensor x = logits({4, 3}), column = logits({4, 1});
  const auto says = [](auto f, const char* text) {
    CHECK_THROWS_WITH_AS(f(), doctest::Contains(text), Error);
  };
  const auto losses = {
      +[](const Tensor& input, const Tensor& target) { return nn::cross_entropy(input, target); },
      +[](const Tensor& input, const Tensor& target) { return nn::nll_loss(input, target); },
      +[](const Tensor& input, const Tensor& target) {
        return nn::cross_entropy(softmax(input, 1), target, {.from_logits = false});
      }};
  for (const auto loss : losses) {
    says(
        [&] {
          loss(x, tensor({1, 2, 3, 1}));
        },
        "expected classes in [0, 3), got 3\nhelp: classes count from 0: target - 1");
    says(
        [&] {
          loss(x, tensor({{1}, {2}, {0}, {1}}));
        },
        "expected classes of shape [4] for an input of shape [4, 3], got [4, 1]\n"
        "help: target.squeeze(1)");
    says(
        [&] {
          loss(x, zeros({4, 3}, {.dtype = int64}));
        },
        "help: of one-hot rows take target.argmax(1); probabilities are target.to(float32)");
    says(
        [&] {
          loss(column, tensor({0, 1, 1, 0}));
        },
        "expected classes in [0, 1), got 1\nhelp: one output tells two classes apart with "
        "binary_cross_entropy_with_logits; cross_entropy wants an output for each");
  }
  says([&] { nn::mse_loss(column, zeros({4})); },
       "expected a target of the input's shape [4, 1], got [4]\n"
       "help: target.unsqueeze(1), or input.squeeze(1)");
  says(
      [&] {
        nn::binary_cross_entropy_with_logits(zeros({4}), zeros({4, 1}));
      },
      "got [4, 1]\nhelp: target.squeeze(1)");
  says([&] { nn::mse_loss(Tensor(), x); }, "[mse_loss] expected a tensor as input");
  says([&] { nn::huber_loss(x, Tensor()); }, "[huber_loss] expected a tensor as target");
  says([&] { nn::cross_entropy(x, Tensor()); }, "[cross_entropy] expected a tensor as target");
}
