#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "reel/autograd/fmt.h"
#include "reel/autograd/print.h"
#include "reel/ops/ops.h"

using namespace reel;

TEST_CASE("tensors print as nested brackets, then what they are") {
  CHECK(to_string(tensor({{1.0, 2.0}, {3.0, 4.0}})) ==
        "tensor([[1., 2.],\n"
        "        [3., 4.]], dtype=float32, shape=[2, 2])");
  CHECK(to_string(tensor({1, -20, 3})) == "tensor([  1, -20,   3], dtype=int64, shape=[3])");
  CHECK(to_string(tensor({true, false})) == "tensor([ true, false], dtype=bool, shape=[2])");
  CHECK(to_string(tensor(7)) == "tensor(7, dtype=int64, shape=[])");
  CHECK(to_string(Tensor()) == "tensor(undefined)");
  CHECK(to_string(zeros({0})) == "tensor([], dtype=float32, shape=[0])");
  CHECK(to_string(zeros({2, 0})) == "tensor([], dtype=float32, shape=[2, 0])");
  CHECK(to_string(tensor({{{1, 2}}, {{3, 4}}})) ==
        "tensor([[[1, 2]],\n\n"
        "        [[3, 4]]], dtype=int64, shape=[2, 1, 2])");
}

TEST_CASE("numbers share one format") {
  CHECK(to_string(tensor({1.0, 2.5})) == "tensor([1.0000, 2.5000], dtype=float32, shape=[2])");
  CHECK(to_string(tensor({1.0, -2000.0})) == "tensor([    1., -2000.], dtype=float32, shape=[2])");
  CHECK(to_string(tensor(0.5)) == "tensor(0.5000, dtype=float32, shape=[])");
  CHECK(to_string(tensor({1e-5, 1.0}, {.dtype = float64})) ==
        "tensor([1.0000e-05, 1.0000e+00], dtype=float64, shape=[2])");
  CHECK(to_string(tensor({1e10})) == "tensor([1.0000e+10], dtype=float32, shape=[1])");
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(to_string(tensor({std::nan(""), inf, -inf, 1.0})) ==
        "tensor([ nan,  inf, -inf,   1.], dtype=float32, shape=[4])");
  CHECK(to_string(tensor({0.0, -0.0})) == "tensor([ 0., -0.], dtype=float32, shape=[2])");
}

TEST_CASE("the tape's view of a tensor is shown") {
  const Tensor x = tensor({1.0, 2.0}, {.requires_grad = true});
  CHECK(to_string(x) == "tensor([1., 2.], dtype=float32, shape=[2], requires_grad)");
  CHECK(to_string(x * 2) == "tensor([2., 4.], dtype=float32, shape=[2], grad_fn=mul)");
  CHECK(to_string(x.detach()) == "tensor([1., 2.], dtype=float32, shape=[2])");
}

TEST_CASE("strides are followed") {
  const Tensor x = tensor({{1, 2, 3}, {4, 5, 6}});
  CHECK(to_string(x.t()) ==
        "tensor([[1, 4],\n        [2, 5],\n        [3, 6]], dtype=int64, shape=[3, 2])");
  CHECK(to_string(x.slice(1, 0, 3, 2)) ==
        "tensor([[1, 3],\n        [4, 6]], dtype=int64, shape=[2, 2])");
}

TEST_CASE("large tensors are summarised") {
  CHECK(to_string(arange(1001)) ==
        "tensor([   0,    1,    2, ...,  998,  999, 1000], dtype=int64, shape=[1001])");
  CHECK(to_string(zeros({100, 100}), {.edge_items = 1}) ==
        "tensor([[0., ..., 0.],\n"
        "        ...,\n"
        "        [0., ..., 0.]], dtype=float32, shape=[100, 100])");
  CHECK(to_string(arange(5), {.threshold = 4, .edge_items = 2}) ==
        "tensor([0, 1, ..., 3, 4], dtype=int64, shape=[5])");
  CHECK(to_string(arange(4), {.threshold = 3, .edge_items = 2}) ==
        "tensor([0, 1, 2, 3], dtype=int64, shape=[4])");
  CHECK(to_string(arange(3), {.threshold = 0, .edge_items = 0}) ==
        "tensor([...], dtype=int64, shape=[3])");
}

TEST_CASE("long rows break, and so do long facts") {
  CHECK(to_string(arange(10), {.line_width = 20}) ==
        "tensor([0, 1, 2, 3,\n"
        "        4, 5, 6, 7,\n"
        "        8, 9],\n"
        "       dtype=int64, shape=[10])");
}

TEST_CASE("precision can be set, within reason") {
  CHECK(to_string(tensor({1.23456}), {.precision = 2}) ==
        "tensor([1.23], dtype=float32, shape=[1])");
  CHECK_THROWS_WITH_AS(to_string(tensor(1), {.precision = -1}),
                       "[to_string] expected a precision in [0, 20], got -1", Error);
  CHECK_THROWS_AS(to_string(tensor(1), {.edge_items = -1}), Error);
}

TEST_CASE("streams and fmt print tensors") {
  std::ostringstream out;
  out << tensor({1, 2});
  CHECK(out.str() == "tensor([1, 2], dtype=int64, shape=[2])");
  CHECK(fmt::format("{}", tensor({1, 2})) == out.str());
  CHECK(fmt::format("{:.1}", tensor({0.25})) == "tensor([0.2], dtype=float32, shape=[1])");
  CHECK(fmt::format("{} {}", zeros({2, 3}).shape(), float64) == "[2, 3] float64");
}
