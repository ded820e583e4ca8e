#include "reel/nn/init.h"

#include <doctest/doctest.h>

#include <cmath>

#include "reel/nn/parameter.h"
#include "reel/ops/matmul/matmul.h"
#include "support/compare.h"
#include "support/layer_check.h"

using namespace reel;
using namespace reel::nn;

namespace {

/// Checks that numbers are uniform in +-bound.
void check_uniform(const Tensor& x, double bound) {
  CHECK(x.amax().item() <= bound);
  CHECK(x.amin().item() >= -bound);
  CHECK(x.std().item() == doctest::Approx(bound / std::sqrt(3)).epsilon(0.05));
}

void check_normal(const Tensor& x, double std) {
  CHECK(x.std().item() == doctest::Approx(std).epsilon(0.05));
  CHECK(std::abs(x.mean().item()) < 0.1 * std);
  CHECK(x.amax().item() > 2.5 * std);
}

}  // namespace

TEST_CASE("fans count what feeds one output and what one input feeds") {
  CHECK(init::fan_in_and_fan_out(zeros({5, 3})) == std::pair<Size, Size>{3, 5});
  CHECK(init::fan_in_and_fan_out(zeros({8, 4, 3, 2})) == std::pair<Size, Size>{24, 48});
  CHECK_THROWS_AS(init::fan_in_and_fan_out(zeros({5})), Error);
}

TEST_CASE("gains are PyTorch's") {
  using init::Nonlinearity;
  CHECK(init::calculate_gain(Nonlinearity::linear) == 1);
  CHECK(init::calculate_gain(Nonlinearity::sigmoid) == 1);
  CHECK(init::calculate_gain(Nonlinearity::tanh) == doctest::Approx(5.0 / 3));
  CHECK(init::calculate_gain(Nonlinearity::relu) == doctest::Approx(std::sqrt(2.0)));
  CHECK(init::calculate_gain(Nonlinearity::leaky_relu, std::sqrt(5.0)) ==
        doctest::Approx(std::sqrt(1.0 / 3)));
  CHECK(init::calculate_gain(Nonlinearity::selu) == 0.75);
}

TEST_CASE("weights get the spread that their formula asks for") {
  Generator generator(6);
  const Parameter weight = empty({200, 300});
  check_uniform(init::kaiming_uniform_(weight, {.a = std::sqrt(5.0)}, generator),
                1 / std::sqrt(300.0));
  check_uniform(init::kaiming_uniform_(weight, {.mode = init::FanMode::fan_out}, generator),
                std::sqrt(6.0 / 200));
  check_normal(init::kaiming_normal_(weight, {.nonlinearity = init::Nonlinearity::relu}, generator),
               std::sqrt(2.0 / 300));
  check_uniform(init::xavier_uniform_(weight, 2, generator), 2 * std::sqrt(6.0 / 500));
  check_normal(init::xavier_normal_(weight, 1, generator), std::sqrt(2.0 / 500));
  check_uniform(init::uniform_(weight, -0.5, 0.5, generator), 0.5);
  check_normal(init::normal_(weight, 0, 3, generator), 3);
  CHECK(weight.requires_grad());
  CHECK(weight.is_leaf());
}

TEST_CASE("weights can be constant") {
  const Parameter weight = empty({2, 3});
  CHECK(testing::same(init::zeros_(weight), zeros({2, 3})));
  CHECK(testing::same(init::ones_(weight), ones({2, 3})));
  CHECK(testing::same(init::constant_(weight, 0.5), full({2, 3}, 0.5)));
  CHECK(&init::zeros_(weight) == &weight);
}

TEST_CASE("orthogonal weights have orthonormal rows or columns") {
  Generator generator(8);
  for (const Shape& shape : {Shape{3, 5}, Shape{5, 3}, Shape{4, 2, 3}}) {
    const Tensor weight = empty(shape, {.dtype = float64});
    init::orthogonal_(weight, 2, generator);
    const Tensor m = weight.view({shape[0], -1});
    const Tensor product = m.size(0) <= m.size(1) ? m.matmul(m.t()) : m.t().matmul(m);
    CHECK(testing::close(product, eye(product.size(0)) * 4, 1e-9));
  }
}

TEST_CASE("empty weights are left alone and bad ones refused") {
  CHECK(init::kaiming_uniform_(empty({0, 3})).numel() == 0);
  CHECK(init::xavier_normal_(empty({3, 0})).numel() == 0);
  CHECK(init::orthogonal_(empty({3, 0})).numel() == 0);
  CHECK_THROWS_AS(init::kaiming_uniform_(empty({3})), Error);
  CHECK_THROWS_WITH_AS(init::xavier_uniform_(empty({3})),
                       "[xavier_uniform_] expected a weight of two or more dimensions "
                       "[out, in, ...], got shape [3]",
                       Error);
  CHECK_THROWS_AS(init::xavier_uniform_(empty({3, 3}, {.dtype = int64})), Error);
  CHECK_THROWS_AS(init::orthogonal_(empty({3})), Error);
}
