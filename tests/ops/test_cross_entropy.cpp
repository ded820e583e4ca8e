#include <cmath>
#include <limits>

#include "reel/base/threads.h"
#include "reel/ops/loss/softmax.h"
#include "support/fold_check.h"

using namespace reel;
using namespace reel::testing;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

/// The loss by its definition, in tensor ops; logits `[N, C]`.
Tensor plain_loss(const Tensor& logits, const Tensor& targets,
                  const CrossEntropyLogitsOptions& options) {
  const Size classes = logits.size(1);
  const Tensor log_p = log_softmax(logits, 1);
  Tensor total = zeros({}, {.dtype = float64});
  Tensor weights = zeros({}, {.dtype = float64});
  std::vector<Tensor> losses;
  for (Size i = 0; i < logits.size(0); ++i) {
    const Size target = targets[i].item<Size>();
    if (target == options.ignore_index) {
      losses.push_back(zeros({}, {.dtype = float64}));
      continue;
    }
    const auto weight_of = [&](Size c) {
      return options.weight.defined() ? options.weight[c].item() : 1.0;
    };
    Tensor loss = log_p[i][target] * (-(1 - options.label_smoothing) * weight_of(target));
    for (Size c = 0; c < classes; ++c) {
      const double share = options.label_smoothing / static_cast<double>(classes);
      loss = loss - log_p[i][c] * (share * weight_of(c));
    }
    losses.push_back(loss);
    total = total + loss;
    weights = weights + weight_of(target);
  }
  if (options.reduction == LossReduction::none) return stack(losses);
  return options.reduction == LossReduction::sum ? total : total / weights;
}

}  // namespace

TEST_CASE("cross-entropy from logits agrees with its definition for all options") {
  const Tensor x = random_tensor({4, 3});
  const Tensor t = tensor({2, 0, -100, 1});
  for (const Tensor& weight : {Tensor(), tensor({0.5, 2.0, 1.5}, {.dtype = float64})}) {
    for (double smoothing : {0.0, 0.3, 1.0}) {
      for (LossReduction reduction :
           {LossReduction::none, LossReduction::mean, LossReduction::sum}) {
        CAPTURE(weight.defined());
        CAPTURE(smoothing);
        CAPTURE(static_cast<int>(reduction));
        const CrossEntropyLogitsOptions options{
            .weight = weight, .label_smoothing = smoothing, .reduction = reduction};
        const auto fused = [&](const Tensor& v) { return cross_entropy_logits(v, t, options); };
        const auto plain = [&](const Tensor& v) { return plain_loss(v, t, options); };
        const std::vector<double> expected = values_of(plain(x));
        check_values(fused(x), plain(x).shape(), expected);
        check_values(fused(x.to(float32)), plain(x).shape(), expected, 1e-6);
        check_gradients(fused, x);

        // The fused backward of both dtypes against that of the definition.
        const Tensor leaf = x.detach().requires_grad_();
        const Tensor y = plain(leaf);
        const Tensor dy = random_tensor(y.shape());
        const Tensor slope = grad(y, leaf, {.grad_outputs = {dy}});
        const Tensor single = x.to(float32).requires_grad_();
        const Tensor fast = grad(fused(single), single, {.grad_outputs = {dy.to(float32)}});
        check_values(fast, {4, 3}, values_of(slope), 1e-6);
        const Tensor recorded =
            grad(fused(leaf), leaf, {.grad_outputs = {dy}, .create_graph = true});
        check_values(recorded, {4, 3}, values_of(slope));
      }
    }
  }
}

TEST_CASE("cross-entropy of one sample, of images, and in any memory order") {
  const Tensor x = random_tensor({2, 3, 2, 2});
  const Tensor t = randint(0, 3, {2, 2, 2});
  const CrossEntropyLogitsOptions none{.reduction = LossReduction::none};
  const Tensor losses = cross_entropy_logits(x, t, none);
  CHECK(losses.shape() == Shape{2, 2, 2});
  const Tensor rows = x.permute({0, 2, 3, 1}).reshape({8, 3});
  check_values(losses, {2, 2, 2}, values_of(cross_entropy_logits(rows, t.flatten(), none)));
  check_gradients([&](const Tensor& v) { return cross_entropy_logits(v, t); }, x);
  check_gradients([&](const Tensor& v) { return cross_entropy_logits(v, t, none); },
                  strided_random_tensor({2, 3, 2, 2}));

  const Tensor one = random_tensor({5});
  const Tensor label = tensor(3);
  check_values(cross_entropy_logits(one, label), {}, {logsumexp(one, 0).item() - one[3].item()});
  check_values(cross_entropy_logits(one, label, none), {},
               {logsumexp(one, 0).item() - one[3].item()});
  check_gradients([&](const Tensor& v) { return cross_entropy_logits(v, label); }, one);
}

TEST_CASE("cross-entropy takes targets of every integer dtype") {
  const Tensor x = random_tensor({3, 4});
  const double expected = cross_entropy_logits(x, tensor({1, 2, 3})).item();
  for (DType dtype : {int32, uint8}) {
    CHECK(cross_entropy_logits(x, tensor({1, 2, 3}).to(dtype)).item() == expected);
  }
}

TEST_CASE("cross-entropy of many classes and of extreme logits") {
  for (Size classes : {16, 17, 300, 5000}) {
    const Tensor x = random_tensor({5, classes}, -30, 30);
    const Tensor t = tensor({0, 1, 5, 7, 15});
    const double expected = -log_softmax(x, 1).gather(1, t.unsqueeze(1)).mean().item();
    check_values(cross_entropy_logits(x, t), {}, {expected});
    check_values(cross_entropy_logits(x.to(float32), t), {}, {expected}, 1e-6);
  }
  const Tensor far = tensor({{1000.0f, 0.0f}, {-1000.0f, 0.0f}});
  check_values(cross_entropy_logits(far, tensor({1, 1}), {.reduction = LossReduction::none}), {2},
               {1000, 0});
  check_values(cross_entropy_logits(tensor({{0.0f, static_cast<float>(-inf)}}), tensor({0})), {},
               {0});
}

TEST_CASE("an ignored row gets no gradient, whatever it holds") {
  const Tensor x = tensor({{inf, inf}, {1.0, 2.0}}, {.dtype = float64}).requires_grad_();
  cross_entropy_logits(x, tensor({7, 1}), {.ignore_index = 7}).backward();
  CHECK(x.grad()[0][0].item() == 0);
  CHECK(x.grad()[0][1].item() == 0);
  CHECK(x.grad()[1][0].item() > 0);
}

TEST_CASE("the mean of no rows is NaN, their sum is 0") {
  const Tensor x = zeros({2, 3});
  const Tensor ignored = tensor({-100, -100});
  CHECK(std::isnan(cross_entropy_logits(x, ignored).item()));
  CHECK(cross_entropy_logits(x, ignored, {.reduction = LossReduction::sum}).item() == 0);
  const Tensor nothing = zeros({0, 3});
  const Tensor no_targets = zeros({0}, {.dtype = int64});
  CHECK(std::isnan(cross_entropy_logits(nothing, no_targets).item()));
  CHECK(cross_entropy_logits(nothing, no_targets, {.reduction = LossReduction::none}).numel() == 0);
}

TEST_CASE("cross-entropy does not depend on the number of threads") {
  const int before = get_num_threads();
  const Tensor x = random_tensor({3000, 40}).to(float32).requires_grad_();
  const Tensor t = randint(0, 40, {3000});
  set_num_threads(1);
  const Tensor one = cross_entropy_logits(x, t);
  const Tensor slope = grad(one, x);
  set_num_threads(3);
  const Tensor many = cross_entropy_logits(x, t);
  CHECK(one.item() == many.item());
  CHECK(values_of(slope) == values_of(grad(many, x)));
  set_num_threads(before);
}

TEST_CASE("cross-entropy says what it expected") {
  const Tensor x = zeros({2, 3});
  CHECK_THROWS_WITH_AS(cross_entropy_logits(x, tensor({0, 3})),
                       "[cross_entropy] expected classes in [0, 3), got 3", Error);
  CHECK_THROWS_WITH_AS(cross_entropy_logits(x, tensor({0, -1})),
                       "[cross_entropy] expected classes in [0, 3), got -1", Error);
  CHECK_THROWS_WITH_AS(
      cross_entropy_logits(x, tensor({0, 1, 2})),
      "[cross_entropy] expected classes of shape [2] for an input of shape [2, 3], got [3]", Error);
  CHECK_THROWS_WITH_AS(
      cross_entropy_logits(x, tensor({0.0, 1.0})),
      "[cross_entropy] expected integer classes of shape [2] for an input of shape [2, 3], got "
      "float32 [2]\nhelp: convert them with target.to(int64)",
      Error);
  CHECK_THROWS_WITH_AS(cross_entropy_logits(tensor({{1, 2}}), tensor({0})),
                       "[cross_entropy] expected a floating-point input, got dtype int64", Error);
  CHECK_THROWS_WITH_AS(
      cross_entropy_logits(x, tensor({0, 1}), {.weight = ones(2)}),
      "[cross_entropy] expected a floating-point weight of shape [3], one for each class, got "
      "float32 [2]",
      Error);
  CHECK_THROWS_WITH_AS(cross_entropy_logits(x, tensor({0, 1}), {.label_smoothing = 1.5}),
                       "[cross_entropy] expected label_smoothing in [0, 1], got 1.5", Error);
  CHECK_THROWS_WITH_AS(
      cross_entropy_logits(zeros({}), tensor(0)),
      "[cross_entropy] expected an input of shape [N, C], [N, C, d1, ...] or [C], got []", Error);
}
