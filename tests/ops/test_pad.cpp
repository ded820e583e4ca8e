// What is expected was printed by
//
//   import torch, torch.nn.functional as F
//   y = torch.arange(1., 7).view(1, 2, 3)
//   for m in ("reflect", "replicate", "circular"): F.pad(y, (2, 1), mode=m)
//   # and so on, with the arguments below

#include <doctest/doctest.h>

#include <cmath>
#include "reel/ops/shape/pad.h"
#include "support/op_check.h"

using namespace reel;
using testing::check_gradients;
using testing::check_values;

namespace {

/// 1, 2, 3, ...
Tensor count(const Shape& shape) {
  return (arange(static_cast<double>(shape.numel()), {.dtype = float64}) + 1).view(shape);
}

}  // namespace

TEST_CASE("pad gives PyTorch's numbers") {
  const Tensor x = count({1, 2, 3}), image = count({1, 1, 3, 3}), volume = count({1, 1, 2, 2, 2});
  check_values(pad(x, {1, -1, 0, 1}, {.value = 9}), {1, 3, 3}, {9, 1, 2, 9, 4, 5, 9, 9, 9}, 0);
  check_values(pad(x, {2, 1}, {.mode = "reflect"}), {1, 2, 6}, {3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5},
               0);
  check_values(pad(x, {-1, 1}, {.mode = "reflect"}), {1, 2, 3}, {2, 3, 2, 5, 6, 5}, 0);
  check_values(
      pad(image, {1, 2, 2, 0}, {.mode = "reflect"}), {1, 1, 5, 6},
      {8, 7, 8, 9, 8, 7, 5, 4, 5, 6, 5, 4, 2, 1, 2, 3, 2, 1, 5, 4, 5, 6, 5, 4, 8, 7, 8, 9, 8, 7},
      0);
  check_values(pad(volume, {1, 0, 0, 1, 1, 1}, {.mode = "reflect"}), {1, 1, 4, 3, 3},
               {6, 5, 6, 8, 7, 8, 6, 5, 6, 2, 1, 2, 4, 3, 4, 2, 1, 2,
                6, 5, 6, 8, 7, 8, 6, 5, 6, 2, 1, 2, 4, 3, 4, 2, 1, 2},
               0);
  check_values(pad(x, {2, 1}, {.mode = "replicate"}), {1, 2, 6},
               {1, 1, 1, 2, 3, 3, 4, 4, 4, 5, 6, 6}, 0);
  check_values(pad(x, {-1, 1}, {.mode = "replicate"}), {1, 2, 3}, {2, 3, 3, 5, 6, 6}, 0);
  check_values(
      pad(image, {1, 2, 2, 0}, {.mode = "replicate"}), {1, 1, 5, 6},
      {1, 1, 2, 3, 3, 3, 1, 1, 2, 3, 3, 3, 1, 1, 2, 3, 3, 3, 4, 4, 5, 6, 6, 6, 7, 7, 8, 9, 9, 9},
      0);
  check_values(pad(volume, {1, 0, 0, 1, 1, 1}, {.mode = "replicate"}), {1, 1, 4, 3, 3},
               {1, 1, 2, 3, 3, 4, 3, 3, 4, 1, 1, 2, 3, 3, 4, 3, 3, 4,
                5, 5, 6, 7, 7, 8, 7, 7, 8, 5, 5, 6, 7, 7, 8, 7, 7, 8},
               0);
  check_values(pad(x, {2, 1}, {.mode = "circular"}), {1, 2, 6},
               {2, 3, 1, 2, 3, 1, 5, 6, 4, 5, 6, 4}, 0);
  check_values(pad(x, {-1, 1}, {.mode = "circular"}), {1, 2, 3}, {2, 3, 2, 5, 6, 5}, 0);
  check_values(
      pad(image, {1, 2, 2, 0}, {.mode = "circular"}), {1, 1, 5, 6},
      {6, 4, 5, 6, 4, 5, 9, 7, 8, 9, 7, 8, 3, 1, 2, 3, 1, 2, 6, 4, 5, 6, 4, 5, 9, 7, 8, 9, 7, 8},
      0);
  check_values(pad(volume, {1, 0, 0, 1, 1, 1}, {.mode = "circular"}), {1, 1, 4, 3, 3},
               {6, 5, 6, 8, 7, 8, 6, 5, 6, 2, 1, 2, 4, 3, 4, 2, 1, 2,
                6, 5, 6, 8, 7, 8, 6, 5, 6, 2, 1, 2, 4, 3, 4, 2, 1, 2},
               0);
}

TEST_CASE("pad takes every dtype, rank and layout") {
  for (const DType dtype : {float32, float64, int32, int64, uint8, bool_}) {
    const Tensor y = pad(ones({2}, {.dtype = dtype}), {1, 0}, {.value = 1});
    CHECK(y.dtype() == dtype);
    check_values(y, {3}, {1, 1, 1});
  }
  check_values(pad(tensor(5.0), {}), {}, {5});
  check_values(pad(count({2, 0}), {1, 1}, {.value = 3}), {2, 2}, {3, 3, 3, 3});
  check_values(pad(count({2, 3}), {-3, 0}), {2, 0}, {});
  check_values(pad(count({2, 3}).t(), {0, 1}), {3, 3}, {1, 4, 0, 2, 5, 0, 3, 6, 0});
  check_values(pad(count({3}).expand({2, 3}), {1, 0}), {2, 4}, {0, 1, 2, 3, 0, 1, 2, 3});
}

TEST_CASE("what pad gives lies in memory as what it was given") {
  const Tensor image = count({2, 4, 5, 3}).permute({0, 3, 1, 2});
  const Tensor y = pad(image, {1, 2, 3, 0});
  CHECK(y.permute({0, 2, 3, 1}).is_contiguous());
  CHECK((y == pad(image.contiguous(), {1, 2, 3, 0})).all().item<bool>());
}

TEST_CASE("pad has gradients of gradients") {
  for (const char* mode : {"constant", "reflect", "replicate", "circular"}) {
    CAPTURE(mode);
    check_gradients(
        [&](auto& x) {
          return pad(x, {2, 1, -1, 2}, {.mode = mode, .value = 4});
        },
        count({2, 4, 3}));
  }
}

TEST_CASE("pad says what does not fit") {
  const Tensor x = count({2, 3});
  const auto says = [](auto f, const char* message) { CHECK_THROWS_WITH_AS(f(), message, Error); };
  says([&] { pad(x, {1}); },
       "[pad] expected two pads for each of the last dimensions of input [2, 3], got 1");
  says(
      [&] {
        pad(x, {1, 1, 1, 1, 1, 1});
      },
      "[pad] expected two pads for each of the last dimensions of input [2, 3], got 6");
  says(
      [&] {
        pad(x, {-2, -2});
      },
      "[pad] expected pads that leave something of input [2, 3], got -2 and -2");
  says(
      [&] {
        pad(x, {0, 3}, {.mode = "reflect"});
      },
      "[pad] expected reflections narrower than dimension 1 of input [2, 3], got 0 and 3");
  says(
      [&] {
        pad(x, {4, 0}, {.mode = "circular"});
      },
      "[pad] expected circles no wider than dimension 1 of input [2, 3], got 4 and 0");
  says(
      [&] {
        pad(count({2, 0}), {1, 0}, {.mode = "replicate"});
      },
      "[pad] expected elements to replicate in dimension 1 of input [2, 0], got none");
  says(
      [&] {
        pad(x, {1, 1}, {.mode = "same"});
      },
      "[PadMode] expected \"constant\", \"zeros\", \"reflect\", \"replicate\" or "
      "\"circular\", got \"same\"");
}
