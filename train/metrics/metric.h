#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "reel/autograd/tensor.h"
#include "reel/train/detail/kept.h"
#include "reel/train/metrics/mean.h"

namespace reel::train {

/// Anything that can count how good outputs are, batch by batch: it derives from nothing. Its
/// `value` must not depend on how the samples were cut into batches.
///
/// **Example** Pearson's r would sum up products and squares in `update`, and divide in `value`.
template <class M>
concept MetricObject = requires(M& metric, const M& seen, const Tensor& tensor) {
  metric.update(tensor, tensor);
  metric.reset();
  { seen.value() } -> std::convertible_to<double>;
  { seen.name() } -> std::convertible_to<std::string>;
};

/// Any metric, its type forgotten. One of the caller's is left where it is, so that what it counted
/// can be read there, and must live until then; one made in place is kept. Follows `keras.Metric`.
///
/// **Example**
/// ```cpp
/// train::F1Score f1;
/// train::evaluate(model, test_set, {.metrics = {train::Accuracy{}, f1}});
/// const std::vector<double> of_each_class = f1.per_class();
/// ```
class Metric {
 public:
  /// Any metric object; what is none does not compile.
  template <class M>
    requires(!std::same_as<std::remove_cvref_t<M>, Metric>)
  Metric(M&& metric) {
    static_assert(MetricObject<std::remove_cvref_t<M>>,
                  "Reel: a metric is an object with update(outputs, targets), value(), reset() and "
                  "name(), not its name: write .metrics = {train::Accuracy{}}");
    if constexpr (MetricObject<std::remove_cvref_t<M>>) {
      metric_ = std::make_shared<Of<std::remove_cvref_t<M>>>(detail::kept(std::forward<M>(metric)));
    }
  }

  /// Counts a batch: outputs of the model and their targets.
  void update(const Tensor& outputs, const Tensor& targets) { metric_->update(outputs, targets); }
  /// The result for all batches since `reset`; NaN where there is none yet.
  double value() const { return metric_->value(); }
  /// Forgets all batches.
  void reset() { metric_->reset(); }
  /// What its numbers are called in a history and on a progress line.
  std::string name() const { return metric_->name(); }

 private:
  struct Any {
    virtual ~Any() = default;
    virtual void update(const Tensor& outputs, const Tensor& targets) = 0;
    virtual double value() const = 0;
    virtual void reset() = 0;
    virtual std::string name() const = 0;
  };
  template <class M>
  struct Of final : Any {
    explicit Of(std::shared_ptr<M> kept) : metric(std::move(kept)) {}
    void update(const Tensor& outputs, const Tensor& targets) override {
      metric->update(outputs, targets);
    }
    double value() const override { return std::as_const(*metric).value(); }
    void reset() override { metric->reset(); }
    std::string name() const override { return std::as_const(*metric).name(); }
    std::shared_ptr<M> metric;
  };

  std::shared_ptr<Any> metric_;
};

/// A function of outputs and targets as a metric, any loss among them: its values are averaged over
/// the samples. Right for functions that are means over samples themselves. Follows
/// `keras.metrics.MeanMetricWrapper`.
///
/// **Example** `.metrics = {train::MeanMetric{"huber", nn::HuberLoss{}}}`
struct MeanMetric {
  std::string called;                                            ///< its name
  std::function<Tensor(const Tensor&, const Tensor&)> function;  ///< of outputs and targets
  Mean mean = {};                                                ///< what was seen since `reset`

  /// Counts a batch. Throws `Error` unless the function gives one element.
  REEL_API void update(const Tensor& outputs, const Tensor& targets);
  /// The mean over all samples since `reset`; NaN of none.
  double value() const { return mean.value(); }
  /// Forgets all batches.
  void reset() { mean.reset(); }
  /// What it is called.
  const std::string& name() const { return called; }
};

}  // namespace reel::train
