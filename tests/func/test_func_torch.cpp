// The transforms against PyTorch's, on the functions of make.py.

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "reel/func/func.h"
#include "reel/ops/ops.h"
#include "support/compare.h"

using namespace reel;

namespace {

struct Row {
  const char* function;
  const char* transform;
  std::vector<double> numbers;
};

#include "transforms.h"

using Tensors = std::vector<Tensor>;

struct Function {
  Tensors (*f)(const Tensors&);
  std::vector<Shape> shapes;
};

const Tensor picked = tensor({2, 0, 2});

const std::map<std::string_view, Function> functions{
    {"sin", {[](const Tensors& x) -> Tensors { return {sin(x[0])}; }, {{3}}}},
    {"chain",
     {[](const Tensors& x) -> Tensors { return {exp(sin(x[0]) * x[0]) / (1 + x[0] * x[0])}; },
      {{4}}}},
    {"product", {[](const Tensors& x) -> Tensors { return {x[0] * x[1]}; }, {{2, 3}, {3}}}},
    {"pow", {[](const Tensors& x) -> Tensors { return {pow(abs(x[0]) + 1, x[1])}; }, {{3}, {3}}}},
    {"matmul",
     {[](const Tensors& x) -> Tensors { return {matmul(x[0], x[1])}; }, {{2, 3}, {3, 2}}}},
    {"bmm",
     {[](const Tensors& x) -> Tensors { return {bmm(x[0], x[1].transpose(1, 2))}; },
      {{2, 1, 3}, {2, 2, 3}}}},
    {"linear tanh",
     {[](const Tensors& x) -> Tensors { return {tanh(linear(x[0], x[1], x[2]))}; },
      {{2, 3}, {2, 3}, {2}}}},
    {"softmax", {[](const Tensors& x) -> Tensors { return {softmax(x[0], 1)}; }, {{2, 3}}}},
    {"log_softmax", {[](const Tensors& x) -> Tensors { return {log_softmax(x[0], 0)}; }, {{3, 2}}}},
    {"logsumexp", {[](const Tensors& x) -> Tensors { return {logsumexp(x[0], 1)}; }, {{2, 3}}}},
    {"conv2d",
     {[](const Tensors& x) -> Tensors { return {conv2d(x[0], x[1], {}, {.padding = 1})}; },
      {{1, 2, 3, 3}, {2, 2, 3, 3}}}},
    {"max_pool2d",
     {[](const Tensors& x) -> Tensors { return {max_pool2d(x[0] * x[0], 2)}; }, {{1, 1, 4, 4}}}},
    {"where",
     {[](const Tensors& x) -> Tensors { return {where(x[0] > 0, x[0] * x[0], sin(x[0]))}; },
      {{5}}}},
    {"index",
     {[](const Tensors& x) -> Tensors { return {square(Tensor(x[0][picked]))}; }, {{4, 2}}}},
    {"gather", {[](const Tensors& x) -> Tensors { return {gather(x[0], 0, picked)}; }, {{4}}}},
    {"cumsum", {[](const Tensors& x) -> Tensors { return {cumsum(x[0] * x[0], 0)}; }, {{4}}}},
    {"prod", {[](const Tensors& x) -> Tensors { return {prod(x[0], 0)}; }, {{3, 2}}}},
    {"layer_norm",
     {[](const Tensors& x) -> Tensors { return {layer_norm(x[0], {4}, x[1], x[2])}; },
      {{2, 4}, {4}, {4}}}},
    {"amax", {[](const Tensors& x) -> Tensors { return {amax(x[0] * x[0], 1)}; }, {{2, 3}}}},
    {"cat",
     {[](const Tensors& x) -> Tensors {
        return {cat({x[0], x[1] * x[1]})};
      },
      {{2}, {3}}}},
    {"floor", {[](const Tensors& x) -> Tensors { return {floor(x[0]) + x[0]}; }, {{3}}}},
    {"energy",
     {[](const Tensors& x) -> Tensors {
        return {square(x[0].slice(0, 1) - square(x[0].slice(0, 0, -1))).sum()};
      },
      {{4}}}},
    {"bilinear",
     {[](const Tensors& x) -> Tensors { return {tanh(matmul(x[0], x[1])).sum()}; }, {{2, 3}, {3}}}},
    {"two outputs",
     {[](const Tensors& x) -> Tensors {
        return {x[0] * x[1], sin(x[0]).sum()};
      },
      {{3}, {3}}}},
    {"three outputs",
     {[](const Tensors& x) -> Tensors {
        return {x[0].sum(), x[0] * x[0], outer(x[0], x[0])};
      },
      {{2}}}},
    {"independent",
     {[](const Tensors& x) -> Tensors {
        return {x[0] * 2, cos(x[1])};
      },
      {{2}, {2}}}},
};

/// The numbers of make.py.
Tensor values(const Shape& shape, double phase) {
  Size count = 1;
  for (const Size size : shape) count *= size;
  return (0.9 * sin(1.7 * arange(count, {.dtype = float64}) + phase) + 0.1).reshape(shape);
}

Tensors values_like(const Tensors& like, double phase) {
  Tensors made;
  for (std::size_t i = 0; i < like.size(); ++i)
    made.push_back(values(like[i].shape(), phase + static_cast<double>(i)));
  return made;
}

void append(std::vector<double>& numbers, const Tensor& x) {
  const Tensor flat = x.contiguous().reshape({x.numel()});
  numbers.insert(numbers.end(), flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel());
}
void append(std::vector<double>& numbers, const auto& tree) {
  for (const auto& part : tree) append(numbers, part);
}

std::vector<double> transformed(const Function& function, std::string_view transform) {
  const auto& f = function.f;
  Tensors x;
  for (const Shape& shape : function.shapes)
    x.push_back(values(shape, static_cast<double>(x.size())));
  const Tensors tangents = values_like(x, 10), cotangents = values_like(f(x), 20);
  const auto loss = [&](const Tensors& inputs) {
    Tensor sum = zeros({}, {.dtype = float64});
    const Tensors y = f(inputs);
    for (std::size_t i = 0; i < y.size(); ++i) sum = sum + (cotangents[i] * y[i] * y[i]).sum();
    return sum;
  };
  std::vector<double> numbers;
  if (transform == "jacrev") append(numbers, func::jacrev(f)(x));
  if (transform == "jacfwd") append(numbers, func::jacfwd(f)(x));
  if (transform == "vjp") append(numbers, func::vjp(f, x).second(cotangents));
  if (transform == "jvp") append(numbers, func::jvp(f, x, tangents).second);
  if (transform == "hessian") append(numbers, func::hessian(loss)(x));
  if (transform == "hvp") append(numbers, func::hvp(loss, x, tangents).second);
  return numbers;
}

}  // namespace

TEST_CASE("the transforms give what PyTorch's give") {
  std::size_t rows = 0;
  for (const Row& row : torch_rows) {
    CAPTURE(std::string(row.function));
    CAPTURE(std::string(row.transform));
    const auto found = functions.find(row.function);
    REQUIRE(found != functions.end());
    const std::vector<double> got = transformed(found->second, row.transform);
    REQUIRE(got.size() == row.numbers.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      CHECK(got[i] == doctest::Approx(row.numbers[i]).epsilon(1e-10));
    }
    ++rows;
  }
  CHECK(rows > 5 * functions.size());
}
