#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "reel/ops/ops.h"

using namespace reel;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double nan_value = std::nan("");

}  // namespace

TEST_CASE("shapes that do not broadcast are refused in a sentence") {
  const Tensor a = ones({2, 3}), b = ones({4});
  CHECK_THROWS_WITH_AS(a + b, "[add] expected shapes that broadcast together, got [2, 3] and [4]",
                       Error);
  CHECK_THROWS_WITH_AS(a * b, doctest::Contains("[mul] expected shapes"), Error);
  CHECK_THROWS_WITH_AS(lt(a, b), doctest::Contains("[lt] expected shapes"), Error);
  CHECK_THROWS_WITH_AS(where(a > 0, a, b), doctest::Contains("[where] expected shapes"), Error);
  CHECK_THROWS_WITH_AS(maximum(ones({0}), ones({2})), doctest::Contains("[0] and [2]"), Error);
}

TEST_CASE("wrong dtypes and options are refused in a sentence") {
  const Tensor flags = tensor({true, false});
  CHECK_THROWS_WITH_AS(flags - flags, doctest::Contains("[sub] expected numbers"), Error);
  CHECK_THROWS_WITH_AS(-flags, "[neg] expected numbers, got dtype bool", Error);
  CHECK_THROWS_WITH_AS(abs(flags), "[abs] expected numbers, got dtype bool", Error);
  CHECK_THROWS_WITH_AS(sign(flags), doctest::Contains("[sign]"), Error);
  CHECK_THROWS_WITH_AS(square(flags), doctest::Contains("[square]"), Error);
  CHECK_THROWS_WITH_AS(relu(flags), doctest::Contains("[relu]"), Error);
  CHECK_THROWS_WITH_AS(clamp(flags, false, true), "[clamp] expected numbers, got dtype bool",
                       Error);
  CHECK_THROWS_WITH_AS(clamp(ones({2}), {}, {}), doctest::Contains("got neither"), Error);
  CHECK_THROWS_WITH_AS(where(ones({2}), 1, 2),
                       "[where] expected a condition of dtype bool, got float32", Error);
  CHECK_THROWS_WITH_AS(gelu(ones({2}), {.approximate = "sin"}),
                       doctest::Contains("[gelu] expected .approximate"), Error);
  CHECK_THROWS_WITH_AS(softplus(ones({2}), 0), doctest::Contains("[softplus] expected a positive"),
                       Error);
  for (const double beta : {-1., inf, nan_value}) CHECK_THROWS_AS(softplus(ones({2}), beta), Error);
  CHECK_THROWS_AS(softplus(ones({2}), 1, nan_value), Error);
  CHECK_THROWS_WITH_AS(elu(ones({2}), -nan_value), "[elu] expected a finite alpha, got nan", Error);
  CHECK_THROWS_AS(leaky_relu(ones({2}), inf), Error);
  CHECK_THROWS_AS(Tensor{} + 1, Error);
}

TEST_CASE("an op names itself when a number does not fit its dtype") {
  const Tensor bytes = tensor({1, 2}, {.dtype = uint8}), whole = tensor({1, 2});
  const auto says = [](auto f, const std::string& op) {
    const std::string text = "[" + op + "] expected values that fit dtype uint8, got 300";
    CHECK_THROWS_WITH_AS(f(), text.c_str(), Error);
  };
  says([&] { static_cast<void>(bytes == 300); }, "eq");
  says([&] { static_cast<void>(bytes < 300); }, "lt");
  says([&] { static_cast<void>(300 >= bytes); }, "ge");
  says([&] { bytes + 300; }, "add");
  says([&] { 300 - bytes; }, "sub");
  says([&] { bytes * 300; }, "mul");
  says([&] { maximum(bytes, 300); }, "maximum");
  says([&] { minimum(bytes, 300); }, "minimum");
  says([&] { clamp(bytes, bytes, 300); }, "clamp");
  says([&] { where(bytes > 0, bytes, 300); }, "where");
  says([&] { bytes.add_(300); }, "add_");
  says([&] { bytes.mul_(300); }, "mul_");
  says([&] { bytes.clamp_(bytes, 300); }, "clamp_");
  says([&] { bytes.fill_(300); }, "fill_");
  says([&] { masked_fill(bytes, bytes > 0, 300); }, "masked_fill");
  CHECK_THROWS_WITH_AS(masked_fill(whole, whole > 0, 0.5),
                       doctest::Contains("[masked_fill] expected a value that fits dtype int64"),
                       Error);
}

TEST_CASE("an op names itself when a tensor is missing") {
  const Tensor none, x = ones({2});
  const auto says = [](auto f, const char* text) {
    CHECK_THROWS_WITH_AS(f(), doctest::Contains(text), Error);
  };
  says([&] { x + none; }, "[add] expected a tensor as input, got an undefined one");
  says([&] { none* x; }, "[mul] expected a tensor as input, got an undefined one");
  says([&] { pow(none, 2); }, "[pow] expected a tensor as input");
  says([&] { exp(none); }, "[exp] expected a tensor as input");
  says([&] { relu(none); }, "[relu] expected a tensor as input");
  says([&] { gelu(none); }, "[gelu] expected a tensor as input");
  says([&] { abs(none); }, "[abs] expected a tensor as input");
  says([&] { floor(none); }, "[floor] expected a tensor as input");
  says([&] { isnan(none); }, "[isnan] expected a tensor as input");
  says([&] { eq(x, none); }, "[eq] expected a tensor as input");
  says([&] { clamp(none, 0, 1); }, "[clamp] expected a tensor as input");
  says([&] { where(none, x, x); }, "[where] expected a tensor as condition");
  says([&] { sum(none); }, "[sum] expected a tensor as input");
  says([&] { mean(none); }, "[mean] expected a tensor as input");
  says([&] { max(none, 0); }, "[max] expected a tensor as input");
  says([&] { argmax(none); }, "[argmax] expected a tensor as input");
  says([&] { cumsum(none, 0); }, "[cumsum] expected a tensor as input");
  says([&] { softmax(none, 0); }, "[softmax] expected a tensor as input");
  says([&] { cross_entropy_logits(none, x); }, "[cross_entropy] expected a tensor as input");
  says([&] { matmul(x, none); }, "[matmul] expected a tensor as b");
  says([&] { linear(none, x); }, "[linear] expected a tensor as input");
  says([&] { batch_norm(none, x, x); }, "[batch_norm] expected a tensor as input");
  says([&] { layer_norm(none, 2); }, "[layer_norm] expected a tensor as input");
  says([&] { dropout(none); }, "[dropout] expected a tensor as input");
  says([&] { embedding(none, x); }, "[embedding] expected a tensor as input");
  says([&] { scaled_dot_product_attention(x, none, x); },
       "[scaled_dot_product_attention] expected a tensor as key");
}

TEST_CASE("shapes that a reduction left show how to keep the dimension") {
  const Tensor data = ones({4, 3});
  CHECK_THROWS_WITH_AS(
      data - data.mean(1),
      "[sub] expected shapes that broadcast together, got [4, 3] and [4]\n"
      "help: keep the dimension that was reduced, as in x.mean(1, true), or put it "
      "back with unsqueeze(1)",
      Error);
  CHECK_THROWS_WITH_AS(ones({2, 3, 4}) * ones({2, 4}), doctest::Contains("unsqueeze(1)"), Error);
  CHECK_THROWS_WITH_AS(ones({2, 3}) + ones({4}),
                       "[add] expected shapes that broadcast together, got [2, 3] and [4]", Error);
  CHECK_THROWS_WITH_AS(masked_fill(ones({2, 3}), ones({4}) > 0, 0),
                       doctest::Contains("[masked_fill] expected shapes that broadcast"), Error);
}
