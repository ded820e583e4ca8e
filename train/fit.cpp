#include "reel/train/fit.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/datasets/data_loader.h"
#include "reel/ops/shape/join.h"
#include "reel/ops/shape/view.h"
#include "reel/optim/adam.h"
#include "reel/train/checks.h"
#include "reel/train/metrics.h"

namespace reel::train {
namespace {

/// Puts all modules into one mode and, at the end, each back into its own.
class ModeGuard {
 public:
  ModeGuard(detail::AnyModel& model, bool training) : modes_(model.modes()) {
    before_.reserve(modes_.size());
    for (bool* mode : modes_) {
      before_.push_back(*mode);
      *mode = training;
    }
  }
  ~ModeGuard() {
    for (std::size_t i = 0; i < modes_.size(); ++i) *modes_[i] = before_[i];
  }
  ModeGuard(const ModeGuard&) = delete;
  ModeGuard& operator=(const ModeGuard&) = delete;

 private:
  std::vector<bool*> modes_;
  std::vector<bool> before_;
};

/// Loss and accuracy over the samples seen so far.
class Score {
 public:
  explicit Score(const Loss& loss) : loss_(loss) {}

  void add(double loss, const Tensor& outputs, const Tensor& targets) {
    const auto samples = static_cast<double>(targets.dim() > 0 ? targets.size(0) : 1);
    loss_mean_.add(loss, samples);
    if (!are_classes(outputs, targets)) return;
    const Hits hits = count_correct(outputs, targets, {.ignore_index = loss_.ignore_index()});
    hits_.correct += hits.correct;
    hits_.samples += hits.samples;
  }

  double loss() const { return loss_mean_.value(); }
  std::optional<double> accuracy() const {
    if (hits_.samples == 0) return {};
    return static_cast<double>(hits_.correct) / static_cast<double>(hits_.samples);
  }
  std::vector<Figure> figures() const {
    std::vector<Figure> figures{{"loss", loss()}};
    if (accuracy()) figures.push_back({"accuracy", *accuracy()});
    return figures;
  }

 private:
  bool are_classes(const Tensor& outputs, const Tensor& targets) const {
    if (outputs.dim() < 2 || outputs.numel() == 0) return false;
    if (targets.is_floating_point()) {
      return loss_.takes() != Loss::Takes::anything && targets.shape() == outputs.shape();
    }
    return targets.dtype() != bool_ && targets.dim() == outputs.dim() - 1;
  }

  const Loss& loss_;
  Mean loss_mean_;
  Hits hits_;
};

void require_data(const char* op, const LabeledData& data) {
  check(data.defined() && data.size() > 0, op,
        "expected a data set with at least one sample, got {}",
        data.defined() ? "an empty one" : "none");
}

void require_positive(const char* op, const char* what, Size value) {
  check(value > 0, op, "expected {} > 0, got {}", what, value);
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

/// What only has to be looked at in the first batch.
void look_at(const char* op, const Loss& loss, const Tensor& outputs, const Tensor& targets,
             const std::function<void(const std::string&)>& on_warning, ProgressBar& bar) {
  detail::check_outputs(op, loss, outputs, targets);
  const std::string text = detail::suspicion(op, loss, outputs);
  if (text.empty()) return;
  bar.clear();
  warn(on_warning, text);
}

Evaluation run_evaluation(const char* op, detail::AnyModel& model, const LabeledData& data,
                          const EvaluateOptions& options) {
  const ModeGuard eval_mode(model, false);
  const NoGradGuard no_grad;
  Score score(options.loss);
  ProgressBar bar(options.verbose);
  DataLoader loader(data, {.batch_size = options.batch_size});
  Progress progress{.epochs = 0, .steps = loader.size()};
  for (const auto& [inputs, targets] : loader) {
    const Tensor outputs = model.forward(inputs);
    if (progress.step == 0) {
      look_at(op, options.loss, outputs, targets, options.on_warning, bar);
    }
    score.add(item_of(op, options.loss(outputs, targets)), outputs, targets);
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
  return {.loss = score.loss(),
          .accuracy = score.accuracy(),
          .samples = data.size(),
          .seconds = progress.seconds};
}

void append(History& history, const EpochEnd& epoch) {
  history.loss.push_back(epoch.loss);
  history.seconds.push_back(epoch.seconds);
  if (epoch.accuracy) history.accuracy.push_back(*epoch.accuracy);
  if (epoch.val_loss) history.val_loss.push_back(*epoch.val_loss);
  if (epoch.val_accuracy) history.val_accuracy.push_back(*epoch.val_accuracy);
}

/// One run of `fit`.
class Training {
 public:
  Training(detail::AnyModel& model, const LabeledData& data, const FitOptions& options)
      : model_(model),
        options_(options),
        bar_(options.verbose),
        loader_(data, {.batch_size = options.batch_size,
                       .shuffle = options.shuffle,
                       .seed = options.seed,
                       .drop_last = options.drop_last}) {
    if (const optim::Optimizer* given = options.optimizer.get()) {
      for (const std::string& text : detail::check_optimizer(*given, model.parameters())) {
        warn(options.on_warning, text);
      }
      return;
    }
    std::vector<Tensor> parameters;
    for (const auto& [name, parameter] : model.parameters()) {
      if (parameter.requires_grad()) parameters.push_back(parameter);
    }
    check(!parameters.empty(), "fit",
          "expected a model with parameters to train, got none\n"
          "help: a lambda hides the modules it uses; hand over the module, or give .optimizer");
    adam_.emplace(parameters);
  }

  History run() {
    const ModeGuard train_mode(model_, true);
    const EnableGradGuard recording;
    History history;
    for (Size epoch = 1; epoch <= options_.epochs; ++epoch) {
      EpochEnd end = run_epoch(epoch);
      append(history, end);
      for (const auto& callback : options_.callbacks) callback(end);
      if (end.stop) break;
    }
    return history;
  }

 private:
  optim::Optimizer& optimizer() { return adam_ ? *adam_ : *options_.optimizer.get(); }

  EpochEnd run_epoch(Size epoch) {
    Progress progress{.epoch = epoch, .epochs = options_.epochs, .steps = loader_.size()};
    Score score(options_.loss);
    // Anew in each epoch: a callback may have added a group.
    trained_ = detail::trained_parameters(optimizer(), model_.parameters());
    bar_.start();
    for (const auto& [inputs, targets] : loader_) {
      step(progress, score, inputs, targets);
      ++progress.step;
      if (bar_.due()) {
        progress.figures = score.figures();
        progress.seconds = bar_.seconds();
        bar_.draw(progress);
      }
    }
    progress.seconds = bar_.seconds();
    progress.figures = score.figures();
    detail::check_parameters(trained_, epoch);

    EpochEnd end{.epoch = epoch,
                 .epochs = options_.epochs,
                 .loss = score.loss(),
                 .accuracy = score.accuracy(),
                 .seconds = progress.seconds,
                 .state = options_.callbacks.empty() ? std::vector<Tensor>() : model_.state()};
    if (options_.validation.defined()) validate(end, progress);
    bar_.finish(progress);
    return end;
  }

  void step(const Progress& progress, Score& score, const Tensor& inputs, const Tensor& targets) {
    optimizer().zero_grad();
    const Tensor outputs = forward(progress, inputs);
    if (progress.epoch == 1 && progress.step == 0) {
      look_at("fit", options_.loss, outputs, targets, options_.on_warning, bar_);
    }
    const Tensor loss = options_.loss(outputs, targets);
    const double value = item_of("fit", loss);
    detail::check_loss(value, trained_, progress.step + 1, progress.epoch);
    loss.backward();
    detail::check_gradients(trained_, progress.step + 1, progress.epoch);
    optimizer().step();
    score.add(value, outputs, targets);
  }

  Tensor forward(const Progress& progress, const Tensor& inputs) {
    try {
      return model_.forward(inputs);
    } catch (const Error& error) {
      const bool lone = options_.batch_size > 1 && inputs.size(0) == 1;
      if (!lone || progress.step + 1 < progress.steps) throw;
      throw Error(std::string(error.what()) +
                  "\nhelp: the last batch of the epoch holds one sample: .drop_last = true leaves "
                  "it out");
    }
  }

  void validate(EpochEnd& end, Progress& progress) {
    const Evaluation result = run_evaluation("fit", model_, options_.validation,
                                             {.loss = options_.loss,
                                              .verbose = Verbose::none,
                                              .on_warning = [](const std::string&) {}});  // said
    end.val_loss = result.loss;
    end.val_accuracy = result.accuracy;
    progress.figures.push_back({"val_loss", result.loss});
    if (result.accuracy) progress.figures.push_back({"val_accuracy", *result.accuracy});
  }

  detail::AnyModel& model_;
  const FitOptions& options_;
  ProgressBar bar_;
  DataLoader<LabeledData> loader_;
  std::optional<optim::Adam> adam_;
  NamedTensors trained_;
};

}  // namespace

namespace detail {

History fit(AnyModel& model, const LabeledData& data, const FitOptions& options) {
  require_data("fit", data);
  require_positive("fit", "epochs", options.epochs);
  require_positive("fit", "batch_size", options.batch_size);
  check(!options.drop_last || data.size() >= options.batch_size, "fit",
        "expected at least {} samples, a whole batch, with drop_last, got {}", options.batch_size,
        data.size());
  check(!options.validation.defined() || options.validation.size() > 0, "fit",
        "expected validation data with at least one sample, got an empty set");
  return Training(model, data, options).run();
}

Evaluation evaluate(AnyModel& model, const LabeledData& data, const EvaluateOptions& options) {
  require_data("evaluate", data);
  require_positive("evaluate", "batch_size", options.batch_size);
  return run_evaluation("evaluate", model, data, options);
}

Tensor predict(AnyModel& model, const Tensor& inputs, const PredictOptions& options) {
  check(inputs.defined() && inputs.dim() > 0 && inputs.size(0) > 0, "predict",
        "expected inputs of shape [N, ...] with N > 0, got {}",
        inputs.defined() ? to_string(inputs.shape()) : "an undefined tensor");
  require_positive("predict", "batch_size", options.batch_size);
  const auto rows = [&](std::span<const Size> indices) {
    return inputs.slice(0, indices.front(), indices.back() + 1);
  };
  try {
    return predict(model, inputs.size(0), rows, options);
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

Tensor predict(AnyModel& model, Size samples,
               const std::function<Tensor(std::span<const Size>)>& inputs,
               const PredictOptions& options) {
  check(samples > 0, "predict", "expected a data set with at least one sample, got an empty one");
  require_positive("predict", "batch_size", options.batch_size);
  const ModeGuard eval_mode(model, false);
  const NoGradGuard no_grad;
  std::vector<Size> order(static_cast<std::size_t>(samples));
  std::iota(order.begin(), order.end(), 0);
  std::vector<Tensor> outputs;
  for (Size first = 0; first < samples; first += options.batch_size) {
    const Size count = std::min(options.batch_size, samples - first);
    outputs.push_back(model.forward(inputs(std::span(order).subspan(
        static_cast<std::size_t>(first), static_cast<std::size_t>(count)))));
  }
  return outputs.size() == 1 ? outputs.front() : cat(outputs);
}

}  // namespace detail
}  // namespace reel::train
