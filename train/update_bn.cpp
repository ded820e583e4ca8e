#include "reel/train/update_bn.h"

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/nn/batch_norm.h"
#include "reel/train/detail/passes.h"

namespace reel::train::detail {
namespace {

constexpr const char* op = "update_bn";

/// Makes the statistics plain averages, begun anew, for as long as it lives.
class PlainAverages {
 public:
  explicit PlainAverages(const std::vector<RunningStats>& all) : all_(all) {
    for (const RunningStats& stats : all) {
      before_.push_back(*stats.momentum);
      stats.momentum->reset();
      stats.mean.fill_(0);
      stats.var.fill_(1);
      stats.batches.fill_(0);
    }
  }
  ~PlainAverages() {
    for (std::size_t i = 0; i < before_.size(); ++i) *all_[i].momentum = before_[i];
  }
  PlainAverages(const PlainAverages&) = delete;
  PlainAverages& operator=(const PlainAverages&) = delete;

 private:
  const std::vector<RunningStats>& all_;
  std::vector<std::optional<double>> before_;
};

template <class Norm>
std::optional<RunningStats> stats_of(const nn::ModuleRef& module) {
  Norm* norm = module.as<Norm>();
  if (norm == nullptr || !norm->running_mean.defined()) return {};
  return RunningStats{&norm->momentum, norm->running_mean, norm->running_var,
                      norm->num_batches_tracked};
}

}  // namespace

std::optional<RunningStats> running_stats_of(const nn::ModuleRef& module) {
  if (auto found = stats_of<nn::BatchNorm1d>(module)) return found;
  if (auto found = stats_of<nn::BatchNorm2d>(module)) return found;
  return stats_of<nn::BatchNorm3d>(module);
}

void update_bn(AnyModel& model, const std::vector<RunningStats>& all, const Batches& data,
               const UpdateBNOptions& options) {
  require_data(op, data);
  require_no_loader(op, data, options.batch_size.has_value(), "batch_size");
  require_no_loader(op, data, options.seed.has_value(), "seed");
  check(!options.batch_size || *options.batch_size > 0, op, "expected batch_size > 0, got {}",
        options.batch_size.value_or(0));
  if (all.empty()) return;
  const NoGradGuard no_grad;
  const ModeGuard train_mode(model, true);
  const PlainAverages averages(all);
  // Shuffled: the variance inside a batch of one class is not that of the data.
  const std::shared_ptr<AnyLoader> loader = data.loader(
      {.batch_size = options.batch_size.value_or(32), .shuffle = true, .seed = options.seed});
  loader->begin();
  for (Batch batch; loader->next(batch);) model.forward(inputs_of(op, batch, model));
}

}  // namespace reel::train::detail
