#include "reel/nn/clip_grad.h"

#include <cmath>
#include <limits>

#include "support/op_check.h"

using namespace reel;
using namespace reel::testing;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Gradients 3, -4 in one parameter and 12 in another; a third has none.
std::vector<Tensor> parameters(DType dtype = float64) {
  std::vector<Tensor> all{zeros({2}, {.dtype = dtype}), zeros({1, 1}, {.dtype = dtype}),
                          zeros({3}, {.dtype = dtype})};
  for (const Tensor& p : all) p.requires_grad_();
  all[0].set_grad(tensor({3.0, -4.0}, {.dtype = dtype}));
  all[1].set_grad(full({1, 1}, 12.0, {.dtype = dtype}));
  return all;
}

}  // namespace

TEST_CASE("clip_grad_norm_ scales all gradients to the norm, and returns what it was") {
  for (const DType dtype : {float32, float64}) {
    const std::vector<Tensor> p = parameters(dtype);
    CHECK(nn::clip_grad_norm_(p, 1.3).item() == doctest::Approx(13));
    check_values(p[0].grad(), {2}, {0.3, -0.4}, 1e-6);
    check_values(p[1].grad(), {1, 1}, {1.2}, 1e-6);
    CHECK_FALSE(p[2].grad().defined());
  }
}

TEST_CASE("clip_grad_norm_ leaves smaller gradients as they are, and divides by the norm + 1e-6") {
  const std::vector<Tensor> p = parameters();
  nn::clip_grad_norm_(p, 14);
  CHECK(values_of(p[0].grad()) == std::vector<double>{3, -4});
  nn::clip_grad_norm_(p, infinity);
  CHECK(values_of(p[1].grad()) == std::vector<double>{12});
  nn::clip_grad_norm_(p, 1);
  check_values(p[1].grad(), {1, 1}, {12 / (13 + 1e-6)}, 1e-14);
  nn::clip_grad_norm_(p, 0);
  CHECK(values_of(p[0].grad()) == std::vector<double>{0, 0});
}

TEST_CASE("clip_grad_norm_ takes any norm") {
  CHECK(nn::clip_grad_norm_(parameters(), 1, {.norm_type = infinity}).item() == 12);
  CHECK(nn::clip_grad_norm_(parameters(), 1, {.norm_type = 1}).item() == doctest::Approx(19));
  CHECK(nn::clip_grad_norm_(parameters(), 1, {.norm_type = 3}).item() ==
        doctest::Approx(std::cbrt(27 + 64 + 1728)));
  const std::vector<Tensor> p = parameters();
  nn::clip_grad_norm_(p, 6, {.norm_type = infinity});
  check_values(p[0].grad(), {2}, {1.5, -2}, 1e-6);
  CHECK(nn::clip_grad_norm_({}, 1).item() == 0);
  CHECK(nn::clip_grad_norm_({p[2]}, 1).item() == 0);
}

TEST_CASE("a norm that is not finite spoils the gradients, or is an error that leaves them") {
  for (const double fault : {infinity, std::nan("")}) {
    const std::vector<Tensor> p = parameters();
    p[1].grad().fill_(fault);
    CHECK_THROWS_WITH_AS(
        nn::clip_grad_norm_(p, 1, {.error_if_nonfinite = true}),
        std::isnan(fault) ? "[clip_grad_norm_] expected gradients of a finite norm, got nan; they "
                            "are left as they are"
                          : "[clip_grad_norm_] expected gradients of a finite norm, got inf; they "
                            "are left as they are",
        Error);
    CHECK(values_of(p[0].grad()) == std::vector<double>{3, -4});
    nn::clip_grad_norm_(p, 1);
    CHECK(std::isnan(values_of(p[1].grad())[0]));
  }
}

TEST_CASE("clip_grad_value_ clamps every number of the gradients") {
  const std::vector<Tensor> p = parameters();
  nn::clip_grad_value_(p, 3.5);
  CHECK(values_of(p[0].grad()) == std::vector<double>{3, -3.5});
  CHECK(values_of(p[1].grad()) == std::vector<double>{3.5});
}

TEST_CASE("clipping refuses bounds below 0 and tensors that are none") {
  const std::vector<Tensor> p = parameters();
  CHECK_THROWS_WITH_AS(nn::clip_grad_norm_(p, -1),
                       "[clip_grad_norm_] expected a max_norm of at least 0, got -1", Error);
  CHECK_THROWS_WITH_AS(nn::clip_grad_norm_(p, std::nan("")),
                       "[clip_grad_norm_] expected a max_norm of at least 0, got nan", Error);
  CHECK_THROWS_WITH_AS(nn::clip_grad_value_(p, -1),
                       "[clip_grad_value_] expected a clip_value of at least 0, got -1", Error);
  CHECK_THROWS_WITH_AS(nn::clip_grad_value_({p[0], Tensor()}, 1),
                       "[clip_grad_value_] expected tensors, got an undefined one as parameter 1",
                       Error);
}
