#pragma once

// Every optimizer with several options, and a problem for them: those of tables/make.py.

#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "reel/optim/optim.h"
#include "support/op_check.h"

namespace reel::testing {

using Parameters = std::vector<Tensor>;
using Make = std::function<std::unique_ptr<optim::Optimizer>(const Parameters&)>;

template <class O, class Options>
Make with(const Options& options) {
  return [options](const Parameters& p) { return std::make_unique<O>(p, options); };
}

template <class O>
Make plain() {
  return [](const Parameters& p) { return std::make_unique<O>(p); };
}

/// The options of make.py's cases.
inline const std::map<std::string, Make>& makers() {
  using namespace optim;
  static const std::map<std::string, Make> all{
      {"SGD default", plain<SGD>()},
      {"SGD momentum",
       with<SGD>(SGDOptions{.lr = 0.05, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.01})},
      {"SGD nesterov", with<SGD>(SGDOptions{.lr = 0.05, .momentum = 0.9, .nesterov = true})},
      {"SGD maximize",
       with<SGD>(SGDOptions{.lr = 0.01, .momentum = 0.5, .weight_decay = 0.1, .maximize = true})},
      {"Adam default", plain<Adam>()},
      {"Adam amsgrad", with<Adam>(AdamOptions{.lr = 0.05, .weight_decay = 0.1, .amsgrad = true})},
      {"Adam decoupled",
       with<Adam>(AdamOptions{.lr = 0.05, .weight_decay = 0.1, .decoupled_weight_decay = true})},
      {"Adam maximize",
       with<Adam>(AdamOptions{.lr = 0.01, .betas = {0.5, 0.9}, .eps = 1e-3, .maximize = true})},
      {"AdamW default", plain<AdamW>()},
      {"AdamW amsgrad",
       with<AdamW>(AdamWOptions{.lr = 0.05, .weight_decay = 0.1, .amsgrad = true})},
      {"NAdam default", plain<NAdam>()},
      {"NAdam decay",
       with<NAdam>(NAdamOptions{.lr = 0.05, .weight_decay = 0.1, .momentum_decay = 0.01})},
      {"NAdam decoupled",
       with<NAdam>(NAdamOptions{.lr = 0.05, .weight_decay = 0.1, .decoupled_weight_decay = true})},
      {"NAdam maximize",
       with<NAdam>(NAdamOptions{.lr = 0.01, .betas = {0.5, 0.9}, .eps = 1e-3, .maximize = true})},
      {"RAdam default", plain<RAdam>()},
      {"RAdam decay", with<RAdam>(RAdamOptions{.lr = 0.05, .weight_decay = 0.1})},
      {"RAdam decoupled",
       with<RAdam>(RAdamOptions{.lr = 0.05, .weight_decay = 0.1, .decoupled_weight_decay = true})},
      {"RAdam maximize",
       with<RAdam>(RAdamOptions{.lr = 0.01, .betas = {0.5, 0.9}, .eps = 1e-3, .maximize = true})},
      {"Adamax default", plain<Adamax>()},
      {"Adamax decay", with<Adamax>(AdamaxOptions{
                           .lr = 0.05, .betas = {0.5, 0.9}, .eps = 1e-3, .weight_decay = 0.1})},
      {"Adamax maximize", with<Adamax>(AdamaxOptions{.lr = 0.01, .maximize = true})},
      {"Adagrad default", plain<Adagrad>()},
      {"Adagrad decay",
       with<Adagrad>(AdagradOptions{
           .lr = 0.1, .lr_decay = 0.05, .weight_decay = 0.1, .initial_accumulator_value = 0.5})},
      {"Adagrad maximize",
       with<Adagrad>(AdagradOptions{.lr = 0.05, .eps = 1e-3, .maximize = true})},
      {"Adadelta default", plain<Adadelta>()},
      {"Adadelta decay",
       with<Adadelta>(AdadeltaOptions{.lr = 0.5, .rho = 0.7, .eps = 1e-3, .weight_decay = 0.1})},
      {"Adadelta maximize", with<Adadelta>(AdadeltaOptions{.maximize = true})},
      {"RMSprop default", plain<RMSprop>()},
      {"RMSprop momentum", with<RMSprop>(RMSpropOptions{
                               .lr = 1e-3, .alpha = 0.9, .weight_decay = 0.1, .momentum = 0.9})},
      {"RMSprop centered", with<RMSprop>(RMSpropOptions{.eps = 1e-3, .centered = true})},
      {"RMSprop all",
       with<RMSprop>(RMSpropOptions{
           .lr = 1e-3, .eps = 1e-2, .momentum = 0.5, .centered = true, .maximize = true})},
      {"Rprop default", plain<Rprop>()},
      {"Rprop steps",
       with<Rprop>(RpropOptions{.lr = 0.05, .etas = {0.7, 1.1}, .step_sizes = {1e-3, 0.1}})},
      {"Rprop maximize",
       with<Rprop>(RpropOptions{.lr = 1e-3, .step_sizes = {1e-6, 1e-2}, .maximize = true})},
      {"ASGD default", plain<ASGD>()},
      {"ASGD average", with<ASGD>(ASGDOptions{
                           .lr = 0.1, .lambd = 0.01, .alpha = 0.5, .t0 = 20, .weight_decay = 0.1})},
      {"ASGD maximize", with<ASGD>(ASGDOptions{.maximize = true})},
      {"Lion default", plain<Lion>()},
      {"Lion decay",
       with<Lion>(LionOptions{.lr = 0.01, .betas = {0.8, 0.95}, .weight_decay = 0.1})},
      {"Lion maximize", with<Lion>(LionOptions{.lr = 0.01, .maximize = true})},
      {"Adafactor default", plain<Adafactor>()},
      {"Adafactor decay",
       with<Adafactor>(AdafactorOptions{
           .lr = 0.1, .beta2_decay = -0.5, .eps = {1e-3, 0.1}, .d = 2, .weight_decay = 0.1})},
      {"Adafactor maximize", with<Adafactor>(AdafactorOptions{.maximize = true})},
      {"Muon default", plain<Muon>()},
      {"Muon plain",
       with<Muon>(MuonOptions{
           .lr = 0.02, .weight_decay = 0, .momentum = 0.5, .nesterov = false, .ns_steps = 3})},
      {"Muon rms", with<Muon>(MuonOptions{.lr = 0.02,
                                          .ns_coefficients = {2, -1.5, 0.5},
                                          .adjust_lr_fn = AdjustLR::match_rms_adamw})},
      {"Muon spectral",
       with<Muon>(
           MuonOptions{.lr = 0.02, .eps = 1e-3, .adjust_lr_fn = AdjustLR::spectral_unclamped})},
      {"LBFGS default", plain<LBFGS>()},
      {"LBFGS short", with<LBFGS>(LBFGSOptions{.lr = 0.1, .max_iter = 3, .history_size = 2})},
      {"LBFGS wolfe",
       with<LBFGS>(LBFGSOptions{.max_iter = 2, .line_search_fn = LineSearch::strong_wolfe})},
      {"LBFGS maximize", with<LBFGS>(LBFGSOptions{.lr = 0.5,
                                                  .max_eval = 7,
                                                  .line_search_fn = LineSearch::strong_wolfe,
                                                  .maximize = true})},
  };
  return all;
}

/// make.py's problem.
class Bowl {
 public:
  /// For an optimizer of this name.
  Bowl(const std::string& name, DType dtype) {
    add({3, 2}, dtype);
    if (!name.starts_with("Muon")) add({2}, dtype);
  }

  const Parameters& parameters() const { return parameters_; }

  void shake(int t) const {
    int i = 0;
    for (const Tensor& p : parameters_) {
      const Tensor slope = empty(p.shape(), {.dtype = float64});
      double* to = slope.data_ptr<double>();
      for (const double x : values_of(p)) {
        *to++ = (0.5 + 0.25 * i) * x + 0.5 * std::cos(0.3 * t + i);
        ++i;
      }
      p.set_grad(slope.to(p.dtype()));
    }
  }

  /// A bowl that stands still and is no parabola, for LBFGS; turned over where it is maximized.
  Tensor loss(double sign) const {
    std::vector<Tensor> parts;
    for (const Tensor& p : parameters_) parts.push_back(p.reshape({-1}));
    const Tensor x = cat(parts), count = arange(8).to(x.dtype());
    return sign * ((count * 0.25 + 0.5) * square(x - cos(count))).sum() +
           0.1 * sign * pow(x.sum(), 4);
  }

  /// The step of this number of an optimizer that `makers` made under this name.
  void take_step(optim::Optimizer& optimizer, const std::string& name, int t) const {
    if (name.starts_with("LBFGS")) {
      optimizer.step([&] {
        optimizer.zero_grad();
        const Tensor value = loss(name.ends_with("maximize") ? -1 : 1);
        value.backward();
        return value;
      });
    } else {
      shake(t);
      optimizer.step();
    }
  }

  std::vector<double> values() const {
    std::vector<double> all;
    for (const Tensor& p : parameters_) {
      for (const double x : values_of(p)) all.push_back(x);
    }
    return all;
  }

 private:
  void add(const Shape& shape, DType dtype) {
    const Tensor start = empty(shape, {.dtype = float64});
    for (Size i = 0; i < start.numel(); ++i) start.data_ptr<double>()[i] = std::sin(1.0 + count_++);
    parameters_.push_back(start.to(dtype).requires_grad_());
  }

  Parameters parameters_;
  int count_ = 0;
};

}  // namespace reel::testing
