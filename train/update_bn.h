#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/nn/module.h"
#include "reel/train/data.h"
#include "reel/train/model.h"

namespace reel::train {

/// What `update_bn` can be told. Beside a `DataLoader`, which makes its batches by options of its
/// own, both are refused.
struct UpdateBNOptions {
  std::optional<Size> batch_size = {};     ///< samples a batch; unset: 32
  std::optional<std::uint64_t> seed = {};  ///< of their order; unset: `manual_seed` rules it
};

namespace detail {

/// The running statistics of a batch norm.
struct RunningStats {
  std::optional<double>* momentum;
  Tensor mean, var, batches;
};

/// Those of `module`, if it is a batch norm that has some.
REEL_API std::optional<RunningStats> running_stats_of(const nn::ModuleRef& module);
REEL_API void update_bn(AnyModel& model, const std::vector<RunningStats>& all, const Batches& data,
                        const UpdateBNOptions& options);

}  // namespace detail

/// Measures the running statistics of all `nn::BatchNorm1d` to `BatchNorm3d` anew: they become the
/// plain averages over the batches of `data`, with the parameters as they are. A model needs it
/// that was given an average of weights, since no batch has gone through it. Does nothing for
/// a model without such layers. Follows `torch.optim.swa_utils.update_bn`.
///
/// **Example**
/// ```cpp
/// swa.copy_to_parameters();  // an optim::StochasticWeightAverage
/// train::update_bn(model, train_set);
/// ```
/// `data`: a data set or `DataLoader` whose batches are inputs, with targets or without, as for
/// `predict`; all modules see it in train mode, off the tape, and return to their modes. Throws
/// `Error` when there is no sample, and for inputs that the model does not take; the statistics are
/// then those of the batches before.
template <class Model, class D>
void update_bn(Model& model, D&& data, const UpdateBNOptions& options = {}) {
  std::vector<detail::RunningStats> all;
  nn::apply(model, [&](const nn::ModuleRef& module) {
    if (const auto found = detail::running_stats_of(module)) all.push_back(*found);
  });
  detail::ModelOf<Model> any(model);
  if constexpr (std::is_base_of_v<detail::Batches, std::remove_cvref_t<D>>) {
    detail::update_bn(any, all, data, options);
  } else {
    detail::update_bn(any, all, detail::Batches(std::forward<D>(data)), options);
  }
}

}  // namespace reel::train
