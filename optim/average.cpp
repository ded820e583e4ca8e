#include "reel/optim/average.h"

#include <cmath>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/sweep.h"
#include "reel/ops/ops.h"
#include "reel/optim/detail/average_formula.h"

namespace reel::optim {
namespace {

constexpr const char* loading = "load_state_dict";

std::string key(std::size_t i) { return fmt::format("averages.{}", i); }

void take_in(const Tensor& average, const Tensor& x, double weight) {
  const bool alike = average.dtype() == x.dtype() && average.strides() == x.strides() &&
                     reel::detail::is_dense(x.shape(), x.strides());
  if (!alike) {
    average.add_((x.to(average.dtype()) - average) * weight);
    return;
  }
  kernels::sweep(detail::AverageFormula{weight}, reel::detail::writable(average),
                 reel::detail::readable(x), {}, false);
  reel::detail::bump_version(average, "update");
}

}  // namespace

ParameterAverage::~ParameterAverage() = default;

ParameterAverage::ParameterAverage(const char* name, const std::vector<Tensor>& parameters)
    : name_(name), parameters_(parameters) {
  check(!parameters.empty(), name_, "expected at least one parameter, got none");
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Tensor& p = parameters[i];
    check(p.defined(), name_, "expected tensors, got an undefined one as parameter {}", i);
    check(p.is_floating_point(), name_, "expected float32 or float64, got {} as parameter {}",
          p.dtype(), i);
    averages_.push_back(p.detach().clone());
  }
}

void ParameterAverage::update() {
  const NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor now = parameters_[i].detach();
    if (n_averaged_ == 0) {
      averages_[i].copy_(now);
    } else {
      take_in(averages_[i], now, weight());
    }
  }
  ++n_averaged_;
}

void ParameterAverage::copy_to_parameters() const {
  const NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].copy_(averages_[i]);
}

StateDict ParameterAverage::state_dict() const {
  StateDict state;
  state["n_averaged"] = full({}, static_cast<double>(n_averaged_), {.dtype = float64});
  for (std::size_t i = 0; i < averages_.size(); ++i) state[key(i)] = averages_[i].clone();
  return state;
}

void ParameterAverage::load_state_dict(const StateDict& state) {
  const auto at = [&](const std::string& name, const Shape& shape) {
    check(state.contains(name), loading, "expected an entry \"{}\" for {}, got none", name, name_);
    const Tensor& saved = state.at(name);
    check(saved.defined(), loading, "expected a tensor as \"{}\", got an undefined one", name);
    check(saved.shape() == shape, loading, "expected \"{}\" of shape {}, got {}", name, shape,
          saved.shape());
    return saved;
  };
  const double count = at("n_averaged", {}).item();
  check(count >= 0 && count <= 9007199254740992.0 && count == std::floor(count), loading,
        "expected a whole number in [0, 2^53] as \"n_averaged\", got {}", count);
  std::vector<Tensor> averages;
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    averages.push_back(at(key(i), averages_[i].shape()).detach().to(averages_[i].dtype()).clone());
  }
  check(state.size() == averages.size() + 1, loading,
        "expected {} entries, of {} with {} parameters, got {}", averages.size() + 1, name_,
        averages.size(), state.size());
  averages_ = std::move(averages);
  n_averaged_ = static_cast<Size>(count);
}

ExponentialMovingAverage::ExponentialMovingAverage(const std::vector<Tensor>& parameters,
                                                   const ExponentialMovingAverageOptions& options)
    : ParameterAverage("ExponentialMovingAverage", parameters), decay_(options.decay) {
  check(decay_ >= 0 && decay_ <= 1, "ExponentialMovingAverage", "expected decay in [0, 1], got {}",
        decay_);
}

AverageGuard::AverageGuard(const ParameterAverage& average) : parameters_(average.parameters()) {
  for (const Tensor& p : parameters_) before_.push_back(p.detach().clone());
  average.copy_to_parameters();
}

AverageGuard::~AverageGuard() {
  const NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].copy_(before_[i]);
}

}  // namespace reel::optim
