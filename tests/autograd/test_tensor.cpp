#include "reel/autograd/tensor.h"

#include <doctest/doctest.h>

#include "reel/autograd/tape.h"
#include "reel/base/fmt.h"
#include "reel/ops/ops.h"

using namespace reel;

TEST_CASE("a number becomes a 0-d tensor") {
  const Tensor x = 2.5;
  CHECK(x.dim() == 0);
  CHECK(x.numel() == 1);
  CHECK(x.item() == 2.5);
  CHECK(Tensor(3).item<int>() == 3);
  CHECK(Tensor(true).dtype() == bool_);
}

TEST_CASE("a tensor knows its device, which costs it no memory") {
  const Tensor x = zeros({2, 3});
  CHECK(x.device() == Device::cpu);
  CHECK(x.t().device() == x.device());
  CHECK(fmt::format("{}", x.device()) == "cpu");
  static_assert(sizeof(detail::TensorImpl) == 192);
}

TEST_CASE("handles share, clones do not") {
  const Tensor x = zeros({2});
  const Tensor same = x;
  const Tensor copy = x.clone();
  x.fill_(1);
  CHECK(same.is_same(x));
  CHECK(same[1].item() == 1);
  CHECK(copy[1].item() == 0);
}

TEST_CASE("large integers keep every digit") {
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  CHECK(Tensor(big).item<std::int64_t>() == big);
}

TEST_CASE("an undefined tensor is refused with a sentence") {
  const Tensor nothing;
  CHECK_FALSE(nothing.defined());
  CHECK_FALSE(nothing.requires_grad());
  CHECK_THROWS_WITH_AS(static_cast<void>(nothing.shape()),
                       doctest::Contains("[Tensor] expected a tensor, got an undefined one"),
                       Error);
}

TEST_CASE("reading as the wrong type is an error") {
  CHECK_THROWS_WITH_AS(
      zeros({2}).data_ptr<double>(),
      "[data_ptr] expected data_ptr<float>, as the tensor is float32, got data_ptr<double>", Error);
}

TEST_CASE("item wants exactly one element") {
  CHECK_THROWS_WITH_AS(zeros({2}).item(),
                       "[item] expected a tensor with one element, got shape [2]", Error);
}

TEST_CASE("impossible shapes are refused before memory is asked for") {
  CHECK_THROWS_WITH_AS(empty({2, -1}), "[empty] expected sizes of 0 or more, got shape [2, -1]",
                       Error);
  CHECK_THROWS_AS(empty({1L << 40, 1L << 40}), Error);
}

TEST_CASE("only floating leaves can ask for gradients, only leaves can stop") {
  CHECK_THROWS_WITH_AS(zeros({2}, {.dtype = int64, .requires_grad = true}),
                       "[requires_grad_] expected a floating-point tensor, got dtype int64", Error);
  const Tensor x = zeros({2}, {.requires_grad = true});
  CHECK(x.is_leaf());
  const Tensor y = x * 2;
  CHECK_FALSE(y.is_leaf());
  CHECK(y.op_name() == doctest::String("mul"));
  CHECK_THROWS_WITH_AS(y.requires_grad_(false),
                       doctest::Contains("[requires_grad_] expected a leaf"), Error);
}

TEST_CASE("a gradient can be set and cleared, if it fits") {
  const Tensor x = zeros({2}, {.requires_grad = true});
  CHECK_FALSE(x.grad().defined());
  x.set_grad(ones({2}));
  CHECK(x.grad()[0].item() == 1);
  x.set_grad({});
  CHECK_FALSE(x.grad().defined());
  CHECK_THROWS_WITH_AS(
      x.set_grad(ones({3})),
      "[set_grad] expected a gradient of shape [2] and dtype float32, got [3] and float32", Error);
}

TEST_CASE("numbers of any width keep their value") {
  CHECK((ones({2}) * std::int8_t{-1})[0].item() == -1);
  CHECK((ones({2}) * std::int16_t{-300})[0].item() == -300);
  CHECK((ones({2}, {.dtype = float64}) + 4000000000u)[0].item() == 4000000001);
  CHECK(Tensor(std::uint8_t{200}).item<int>() == 200);
  CHECK(Tensor(0.1f).item<float>() == 0.1f);
  CHECK(Tensor(std::numeric_limits<std::uint32_t>::max()).item<std::uint32_t>() == 4294967295u);
  CHECK_THROWS_WITH_AS(ones({2}) + std::numeric_limits<std::uint64_t>::max(),
                       "[Tensor] expected a number that fits dtype int64, got 18446744073709551615",
                       Error);
  CHECK_THROWS_AS(tensor({std::uint64_t{1} << 63}), Error);
  CHECK(Tensor(std::size_t{3}).dtype() == int64);
  CHECK(Tensor(true).dtype() == bool_);
  CHECK((ones({2}) * 2.0).dtype() == float32);
  CHECK((ones({2}, {.dtype = int32}) * std::int64_t{2}).dtype() == int32);
}

TEST_CASE("item refuses values that its type cannot hold") {
  CHECK_THROWS_WITH_AS(
      Tensor(1e30).item<int>(),
      "[item] expected a number in [-2147483648, 2147483647] for this type, got 1e+30", Error);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(Tensor(nan).item<int>(), Error);
  CHECK_THROWS_AS(Tensor(nan).item<std::int64_t>(), Error);
  CHECK_THROWS_AS(Tensor(0x1p63).item<std::int64_t>(), Error);
  CHECK_THROWS_AS(Tensor(300).item<std::uint8_t>(), Error);
  CHECK_THROWS_AS(Tensor(-1).item<std::size_t>(), Error);
  CHECK(Tensor(-0x1p63).item<std::int64_t>() == std::numeric_limits<std::int64_t>::min());
  CHECK(Tensor(2.7).item<int>() == 2);
  CHECK(Tensor(-0.7).item<std::uint8_t>() == 0);
  CHECK(Tensor(0.5).item<bool>());
  CHECK_FALSE(Tensor(0).item<bool>());
}
