#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/ops/shape/join.h"
#include "reel/ops/shape/view.h"
#include "reel/train/detail/passes.h"
#include "reel/train/trainer.h"

namespace reel::train::detail {
namespace {

/// Rows of a tensor that come in their order, not copied.
struct Rows {
  Tensor inputs;
  Size size() const { return inputs.size(0); }
  Tensor batch(std::span<const Size> indices) const {
    return inputs.slice(0, indices.front(), indices.back() + 1);
  }
};

Tensor outputs_of(AnyModel& model, AnyLoader& loader) {
  const ModeGuard eval_mode(model, false);
  const NoGradGuard no_grad;
  std::vector<Tensor> outputs;
  loader.begin();
  for (Batch batch; loader.next(batch);) {
    outputs.push_back(model.forward(inputs_of("predict", batch, model)));
  }
  return outputs.size() == 1 ? outputs.front() : cat(outputs);
}

}  // namespace

Tensor predict(AnyModel& model, const Batches& data, const PredictOptions& options) {
  require_data("predict", data);
  const std::shared_ptr<AnyLoader> loader = loader_in_order("predict", data, options.batch_size);
  check(!loader->options().shuffle, "predict",
        "expected a loader that keeps the order of its data set, got one that shuffles, by which "
        "nobody could tell whose output is whose");
  return outputs_of(model, *loader);
}

Tensor predict(AnyModel& model, const Tensor& inputs, const PredictOptions& options) {
  check(inputs.defined() && inputs.dim() > 0 && inputs.size(0) > 0, "predict",
        "expected inputs of shape [N, ...] with N > 0, got {}",
        inputs.defined() ? to_string(inputs.shape()) : "an undefined tensor");
  require_takes("predict", model, 1);
  const auto loader = loader_in_order("predict", Batches(Rows{inputs}), options.batch_size);
  try {
    return outputs_of(model, *loader);
  } catch (const Error& error) {
    if (inputs.dim() > 3) throw;  // a batch of pictures, most likely
    Shape sample = inputs.shape();
    sample.erase(0);
    throw Error(fmt::format(
        "{}\nhelp: predict takes a batch [N, ...], and these for {} samples of shape {}; for a "
        "single sample write predict(model, x.unsqueeze(0))",
        error.what(), inputs.size(0), sample));
  }
}

}  // namespace reel::train::detail
