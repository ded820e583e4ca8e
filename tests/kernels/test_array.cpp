#include "reel/kernels/array.h"

#include <doctest/doctest.h>

#include <type_traits>
#include <vector>

#include "reel/autograd/detail/array.h"
#include "reel/ops/ops.h"

using namespace reel;
using detail::readable;
using detail::writable;
using kernels::Array;
using kernels::ConstArray;

static_assert(std::is_convertible_v<Array, ConstArray>);
static_assert(!std::is_convertible_v<ConstArray, Array>);
static_assert(std::is_trivially_copyable_v<Array> && sizeof(Array) == 32, "made at every call");

TEST_CASE("an array is a tensor's memory, shape, strides, dtype and device") {
  const Tensor x = arange(6).view({2, 3}).t();
  const ConstArray array = readable(x);
  REQUIRE(array);
  CHECK(array.dtype() == int64);
  CHECK(array.device() == x.device());
  CHECK(&array.shape() == &x.shape());
  CHECK(&array.strides() == &x.strides());
  CHECK(array.dim() == 2);
  CHECK(array.size(0) == 3);
  CHECK(array.size(-1) == 2);
  CHECK(array.numel() == 6);
  CHECK(array.item() == 8);
  CHECK_FALSE(array.is_contiguous());
  CHECK(readable(x.t()).is_contiguous());
  CHECK(array.as<std::int64_t>() == x.data_ptr<std::int64_t>());
  CHECK(static_cast<const void*>(array.bytes()) == array.data());
  writable(x).as<std::int64_t>()[1] = 7;
  CHECK(x[1][0].item() == 7);
}

TEST_CASE("an undefined tensor is no array") {
  CHECK_FALSE(readable({}));
  CHECK_FALSE(writable({}));
  CHECK(readable({}).as<float>() == nullptr);
  CHECK(readable({}).as<double>() == nullptr);
  CHECK(writable({}).bytes() == nullptr);
  CHECK(readable(zeros({0})));
}

TEST_CASE("an array shows part of a tensor in another layout") {
  const Tensor x = zeros({2, 3});
  const Shape shape{2}, strides{3};
  const Array column = writable(x, shape, strides, 1);
  CHECK(column.shape() == shape);
  CHECK(column.as<float>() == x.data_ptr<float>() + 1);
}
