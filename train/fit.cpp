#include "reel/train/fit.h"

#include <utility>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/optim/adam.h"
#include "reel/train/callbacks/progress_bar.h"
#include "reel/train/detail/checks.h"
#include "reel/train/detail/parts.h"
#include "reel/train/detail/passes.h"
#include "reel/train/detail/score.h"

namespace reel::train {
namespace detail {

/// One run of `fit`.
class Training {
 public:
  Training(AnyModel& model, const TrainerOptions& purpose, const RunOptions& options,
           std::shared_ptr<AnyLoader> loader)
      : model_(model),
        purpose_(purpose),
        options_(options),
        loader_(std::move(loader)),
        score_("fit", purpose.loss, purpose.metrics),
        bar_(options.verbose),
        run_(model, *purpose.optimizer.get(), score_, options.initial_epoch, options.epochs) {
    run_.steps_ = loader_->batches();
    callbacks_.emplace_back(bar_);
    callbacks_.insert(callbacks_.end(), options.callbacks.begin(), options.callbacks.end());
  }

  History run() {
    const ModeGuard train_mode(model_, true);
    const EnableGradGuard recording;
    reach(Station::fit_begin);
    while (!run_.stopped() && run_.epoch() < options_.epochs) run_epoch();
    reach(Station::fit_end);
    return std::move(run_.history_);
  }

 private:
  void reach(Station station) {
    for (const Callback& callback : callbacks_) callback.at(station, run_);
  }

  void run_epoch() {
    score_.begin();
    run_.begin_epoch(loader_->batches());
    reach(Station::epoch_begin);
    if (run_.stopped()) {  // before its first step: it does not count
      --run_.epoch_;
      return;
    }
    loader_->begin();
    for (Batch batch; !run_.stopped() && loader_->next(batch);) step(batch);
    end_epoch();
  }

  void step(const Batch& batch) {
    ++run_.step_;
    reach(Station::batch_begin);
    run_.optimizer().zero_grad();
    const auto [inputs, targets] = Labeled::of("fit", batch, model_);
    const Tensor outputs = forward(inputs);
    if (std::exchange(first_, false)) look_at_first("fit", purpose_, outputs, targets);
    const Tensor loss = purpose_.loss(outputs, targets);
    run_.loss_ = item_of("fit", loss);
    check_loss(run_.loss_, run_.parameters(), run_.step(), run_.epoch());
    loss.backward();
    check_gradients(run_.parameters(), run_.step(), run_.epoch());
    reach(Station::backward_end);
    run_.optimizer().step();
    score_.add(run_.loss_, outputs, targets);
    reach(Station::batch_end);
  }

  Tensor forward(std::span<const Tensor> inputs) {
    try {
      return model_.forward(inputs);
    } catch (const Error& error) {
      const bool lone = loader_->options().batch_size > 1 && inputs[0].size(0) == 1;
      if (!lone || run_.step() < run_.steps()) throw;
      throw Error(std::string(error.what()) +
                  "\nhelp: the last batch of the epoch holds one sample: .drop_last = true leaves "
                  "it out");
    }
  }

  void end_epoch() {
    run_.seconds_ = run_.seconds();
    check_parameters(run_.parameters(), run_.epoch());
    run_.measured_ = score_.figures();  // before validation, which uses the same metrics
    if (options_.validation.defined()) validate();
    Figures row = run_.figures();
    row.set("seconds", run_.seconds());
    run_.history_.append(row);
    reach(Station::epoch_end);
  }

  void validate() {
    TrainerOptions purpose{.loss = purpose_.loss, .metrics = purpose_.metrics};
    purpose.on_warning = [](const std::string&) {};  // said in the first batch
    const Evaluation result =
        run_evaluation("fit", model_, purpose, options_.validation, {.verbose = Verbose::none});
    for (const Figure& figure : result.figures) {
      run_.measured_->set("val_" + figure.name, figure.value);
    }
  }

  AnyModel& model_;
  const TrainerOptions& purpose_;
  const RunOptions& options_;
  std::shared_ptr<AnyLoader> loader_;
  Score score_;
  ProgressBar bar_;
  Run run_;
  std::vector<Callback> callbacks_;
  bool first_ = true;  // no batch was looked at yet
};

namespace {

void check_run(const Data& data, const RunOptions& options) {
  require_data("fit", data);
  check(options.epochs > 0, "fit", "expected epochs > 0, got {}", options.epochs);
  check(options.initial_epoch >= 0, "fit", "expected initial_epoch >= 0, got {}",
        options.initial_epoch);
  check(!options.batch_size || *options.batch_size > 0, "fit", "expected batch_size > 0, got {}",
        options.batch_size.value_or(0));
  require_no_loader("fit", data, options.batch_size.has_value(), "batch_size");
  require_no_loader("fit", data, options.shuffle.has_value(), "shuffle");
  require_no_loader("fit", data, options.drop_last, "drop_last");
  require_no_loader("fit", data, options.seed.has_value(), "seed");
  check(!options.validation.defined() || options.validation.size() > 0, "fit",
        "expected validation data with at least one sample, got an empty set");
}

}  // namespace

AnyOptimizer default_optimizer(AnyModel& model) {
  std::vector<Tensor> parameters;
  for (const auto& [name, parameter] : model.parameters()) {
    if (parameter.requires_grad()) parameters.push_back(parameter);
  }
  check(!parameters.empty(), "fit",
        "expected a model with parameters to train, got none\n"
        "help: a lambda hides the modules it uses; hand over the module, or give .optimizer");
  return optim::Adam(parameters);
}

History fit(AnyModel& model, TrainerOptions& purpose, const Data& data, const RunOptions& options) {
  check_run(data, options);
  std::shared_ptr<AnyLoader> loader = data.loader({.batch_size = options.batch_size.value_or(32),
                                                   .shuffle = options.shuffle.value_or(true),
                                                   .seed = options.seed,
                                                   .drop_last = options.drop_last},
                                                  options.initial_epoch);
  check(loader->batches() > 0, "fit",
        "expected at least {} samples, a whole batch, with drop_last, got {}",
        loader->options().batch_size, data.size());
  if (optim::Optimizer* given = purpose.optimizer.get()) {
    for (const std::string& text : check_optimizer(*given, model.parameters())) {
      warn(purpose.on_warning, text);
    }
  } else {
    purpose.optimizer = default_optimizer(model);
  }
  return Training(model, purpose, options, std::move(loader)).run();
}

static_assert(is_made_of<FitOptions, TrainerOptions, RunOptions>(),
              "Reel: an option of TrainerOptions or RunOptions is one of FitOptions too");
static_assert(is_covered_by<EvaluateOptions, TrainerOptions, PassOptions>() &&
                  is_covered_by<PassOptions, EvaluateOptions>() &&
                  field_count<EvaluateOptions> + 1 ==
                      field_count<TrainerOptions> + field_count<PassOptions>,
              "Reel: an option of TrainerOptions, but .optimizer, or PassOptions is one of "
              "EvaluateOptions too");

TrainerOptions purpose_of(const FitOptions& options) { return part_of<TrainerOptions>(options); }

TrainerOptions purpose_of(const EvaluateOptions& options) {
  return part_of<TrainerOptions>(options);
}

RunOptions run_of(const FitOptions& options) { return part_of<RunOptions>(options); }

PassOptions pass_of(const EvaluateOptions& options) { return part_of<PassOptions>(options); }

}  // namespace detail
}  // namespace reel::train
