#include "reel/train/detail/passes.h"

#include <cstdio>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/train/callbacks/progress_bar.h"
#include "reel/train/detail/checks.h"
#include "reel/train/detail/score.h"

namespace reel::train::detail {
namespace {

/// Which numbers of inputs a model takes, as "1 or 3".
std::string taken_by(const AnyModel& model) {
  std::string numbers;
  for (std::size_t n = 1; n <= most_inputs; ++n) {
    if (model.takes(n)) numbers += fmt::format("{}{}", numbers.empty() ? "" : " or ", n);
  }
  return numbers;
}

}  // namespace

void require_data(const char* op, const Batches& data) {
  check(data.defined() && data.size() > 0, op,
        "expected a data set with at least one sample, got {}",
        data.defined() ? "an empty one" : "none");
}

void require_no_loader(const char* op, const Batches& data, bool given, const char* option) {
  check(!given || !data.is_loader(), op,
        "expected no .{} beside a DataLoader, which makes the batches by its own options", option);
}

std::shared_ptr<AnyLoader> loader_in_order(const char* op, const Batches& data,
                                           std::optional<Size> batch_size) {
  require_no_loader(op, data, batch_size.has_value(), "batch_size");
  check(!batch_size || *batch_size > 0, op, "expected batch_size > 0, got {}",
        batch_size.value_or(0));
  std::shared_ptr<AnyLoader> loader = data.loader({.batch_size = batch_size.value_or(256)});
  check(loader->batches() > 0, op, "expected at least one batch, got a loader of none");
  return loader;
}

double item_of(const char* op, const Tensor& loss) {
  check(loss.defined() && loss.numel() == 1, op, "expected a loss of one element, got {}",
        loss.defined() ? to_string(loss.shape()) : "an undefined tensor");
  return loss.item();
}

void warn(const std::function<void(const std::string&)>& on_warning, const std::string& text) {
  if (on_warning) {
    on_warning(text);
  } else {
    std::fprintf(stderr, "warning: %s\n", text.c_str());
  }
}

void require_takes(const char* op, const AnyModel& model, std::size_t inputs, const char* which) {
  check(model.takes(inputs), op,
        "expected a model that takes the {} input{} of a batch{}, got one that takes {}", inputs,
        inputs == 1 ? "" : "s", which, taken_by(model));
}

Labeled Labeled::of(const char* op, const Batch& batch, const AnyModel& model) {
  const std::size_t inputs = batch.size() - 1;
  require_takes(op, model, inputs, ", whose last tensor are the targets");
  return {std::span(batch).first(inputs), batch.back()};
}

std::span<const Tensor> inputs_of(const char* op, const Batch& batch, const AnyModel& model) {
  if (batch.size() > 1 && !model.takes(batch.size())) return Labeled::of(op, batch, model).inputs;
  require_takes(op, model, batch.size());
  return batch;
}

void look_at_first(const char* op, const TrainerOptions& purpose, const Tensor& outputs,
                   const Tensor& targets) {
  check_outputs(op, purpose.loss, outputs, targets);
  const std::string text = suspicion(op, purpose.loss, outputs);
  if (!text.empty()) warn(purpose.on_warning, text);
}

Evaluation run_evaluation(const char* op, AnyModel& model, const TrainerOptions& purpose,
                          const Data& data, const PassOptions& options) {
  const ModeGuard eval_mode(model, false);
  const NoGradGuard no_grad;
  Score score(op, purpose.loss, purpose.metrics);
  score.begin();
  const std::shared_ptr<AnyLoader> loader = loader_in_order(op, data, options.batch_size);
  ProgressBar bar(options.verbose);
  Progress progress{.epochs = 0, .steps = loader->batches()};
  Size samples = 0;
  loader->begin();
  for (Batch batch; loader->next(batch);) {
    const auto [inputs, targets] = Labeled::of(op, batch, model);
    const Tensor outputs = model.forward(inputs);
    if (progress.step == 0) look_at_first(op, purpose, outputs, targets);
    score.add(item_of(op, purpose.loss(outputs, targets)), outputs, targets);
    samples += inputs[0].size(0);
    ++progress.step;
    if (bar.due()) {
      progress.figures = score.figures();
      progress.seconds = bar.seconds();
      bar.draw(progress);
    }
  }
  progress.figures = score.figures();
  progress.seconds = bar.seconds();
  bar.finish(progress);
  return {.figures = progress.figures, .samples = samples, .seconds = progress.seconds};
}

}  // namespace reel::train::detail
