#include "reel/optim/adafactor.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reel/ops/ops.h"

namespace reel::optim {
namespace {

enum Field : std::size_t { row_var, col_var, variance };

Shape row_shape(const Shape& parameter) {
  Shape shape = parameter;
  if (!shape.empty()) shape[shape.size() - 1] = 1;
  return shape;
}

Shape column_shape(const Shape& parameter) {
  Shape shape = parameter;
  if (shape.size() > 1) shape[shape.size() - 2] = 1;
  return shape;
}

double root_mean_square(const Tensor& x) {
  return norm(x).item() / std::sqrt(static_cast<double>(x.numel()));
}

}  // namespace

Adafactor::Adafactor(const std::vector<Tensor>& parameters, const AdafactorOptions& options)
    : Adafactor(std::vector<Group>{{parameters, options}}) {}
Adafactor::Adafactor(const std::vector<Group>& groups) : GroupedOptimizer("Adafactor") {
  add_groups(groups);
}

std::span<const Optimizer::StateField> Adafactor::state_fields() const {
  static constexpr StateField fields[] = {
      {.name = "row_var", .required = false, .shape = row_shape},
      {.name = "col_var", .required = false, .shape = column_shape},
      {.name = "variance", .required = false}};
  return fields;
}

void Adafactor::update(Size group, const Update& update) {
  const AdafactorOptions& o = options_of(group);
  const Tensor& p = update.parameter;
  if (p.numel() == 0) return;
  const Tensor g = o.maximize ? -update.gradient : update.gradient;
  const auto step = static_cast<double>(update.step);
  const double epsilon = p.dtype() == float64 ? std::numeric_limits<double>::epsilon()
                                              : std::numeric_limits<float>::epsilon();
  const double least = o.eps.first.value_or(epsilon);
  const double rate =
      std::min(o.lr, 1 / std::sqrt(step)) * std::max(o.eps.second, root_mean_square(p));
  p.mul_(1 - o.lr * o.weight_decay);

  const double take = std::pow(step, o.beta2_decay);
  const auto averaged = [&](Field field, const Tensor& squares) {
    Tensor& average = update.state[field];
    average = average.defined() ? average.to(p.dtype()) : zeros_like(squares);
    average.add_(take * (squares - average));
    return average;
  };
  Tensor squares = square(g);
  if (p.dim() > 1) {
    const Tensor rows = averaged(row_var, squares.mean(-1, true));
    const Tensor columns = averaged(col_var, squares.mean(-2, true));
    squares = rows * columns / clamp(rows.mean(-2, true), least);
  } else {
    squares = averaged(variance, squares);
  }
  const Tensor direction = g * rsqrt(clamp(squares, least * least));
  p.sub_(direction * (rate / std::max(1.0, root_mean_square(direction) / o.d)));
}

}  // namespace reel::optim
