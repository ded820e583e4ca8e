#pragma once

#include <vector>

#include "reel/autograd/state_dict.h"
#include "reel/autograd/tensor.h"

namespace reel::optim {

/// An average of parameters over a training, beside them: models often do better with it.
/// `update()` goes after the optimizer's step; the first takes the parameters as they are. Follows
/// `torch.optim.swa_utils.AveragedModel`, without the model.
///
/// To average the statistics of batch norm as well, give it the floating buffers too.
class REEL_API ParameterAverage {
 public:
  virtual ~ParameterAverage();

  /// Takes the parameters of now into the average.
  void update();

  /// How many updates there were.
  Size n_averaged() const { return n_averaged_; }
  /// The averages, in the order of the parameters; until the first update, the parameters as they
  /// were.
  const std::vector<Tensor>& averages() const { return averages_; }
  /// What is averaged: the tensors given, not copies.
  const std::vector<Tensor>& parameters() const { return parameters_; }
  /// The parameters become the averages.
  void copy_to_parameters() const;

  /// `n_averaged` and `averages.0`, `averages.1` ...
  StateDict state_dict() const;
  /// Throws, and changes nothing, when entries are missing, unknown or of another shape.
  void load_state_dict(const StateDict& state);

 protected:
  /// Throws for no parameters, and for some that are undefined or not floating.
  ParameterAverage(const char* name, const std::vector<Tensor>& parameters);

  /// How much of the parameters the next average takes; not asked for the first.
  virtual double weight() const = 0;

 private:
  const char* name_;
  std::vector<Tensor> parameters_, averages_;
  Size n_averaged_ = 0;
};

/// Options of `ExponentialMovingAverage`.
struct ExponentialMovingAverageOptions {
  double decay = 0.999;  ///< how much the average keeps in an update
};

/// Recent parameters count most: `average = decay average + (1 - decay) parameter` (Polyak
/// averaging, with which GANs, diffusion models and most image classifiers are evaluated). Follows
/// `AveragedModel` with `torch.optim.swa_utils.get_ema_avg_fn`.
///
/// Throws for a decay outside [0, 1].
///
/// **Example**
/// ```cpp
/// optim::ExponentialMovingAverage ema{nn::parameters(net), {.decay = 0.999}};
/// adam.step();
/// ema.update();
/// const optim::AverageGuard averaged(ema);  // from here on net has the averages
/// ```
class REEL_API ExponentialMovingAverage final : public ParameterAverage {
 public:
  /// Throws for no parameters, and for some that are undefined or not floating.
  explicit ExponentialMovingAverage(const std::vector<Tensor>& parameters,
                                    const ExponentialMovingAverageOptions& options = {});

 private:
  double weight() const override { return 1 - decay_; }

  double decay_;
};

/// All parameters that were taken count alike (SWA, Izmailov et al. 2018); see `SWALR`. Follows
/// `AveragedModel` with its default.
class REEL_API StochasticWeightAverage final : public ParameterAverage {
 public:
  /// Throws for no parameters, and for some that are undefined or not floating.
  explicit StochasticWeightAverage(const std::vector<Tensor>& parameters)
      : ParameterAverage("StochasticWeightAverage", parameters) {}

 private:
  double weight() const override { return 1 / static_cast<double>(n_averaged() + 1); }
};

/// For as long as it lives the parameters are the averages; then they are what they were.
class REEL_API AverageGuard {
 public:
  /// Keeps a copy of the parameters, and puts the averages in their place.
  explicit AverageGuard(const ParameterAverage& average);
  ~AverageGuard();
  AverageGuard(const AverageGuard&) = delete;
  AverageGuard& operator=(const AverageGuard&) = delete;

 private:
  std::vector<Tensor> parameters_, before_;
};

}  // namespace reel::optim
