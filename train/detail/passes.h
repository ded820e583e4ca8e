#pragma once

// Internal: what fit, evaluate and predict have in common.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "reel/train/data.h"
#include "reel/train/evaluation.h"
#include "reel/train/loss.h"
#include "reel/train/model.h"
#include "reel/train/options.h"

namespace reel::train::detail {

/// Puts all modules into one mode and, at the end, each back into its own.
class ModeGuard {
 public:
  ModeGuard(AnyModel& model, bool training) : modes_(model.modes()) {
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

/// Throws where there is no sample.
void require_data(const char* op, const Batches& data);

/// The loader, or one of the data set in its own order, in batches of `batch_size`, 256 unless
/// given.
std::shared_ptr<AnyLoader> loader_in_order(const char* op, const Batches& data,
                                           std::optional<Size> batch_size);

/// Throws where a loader is given options that would be its own.
void require_no_loader(const char* op, const Batches& data, bool given, const char* option);

/// Throws unless it holds one element.
double item_of(const char* op, const Tensor& loss);

void warn(const std::function<void(const std::string&)>& on_warning, const std::string& text);

/// Throws unless the model takes that many inputs. `which`: more about them.
void require_takes(const char* op, const AnyModel& model, std::size_t inputs,
                   const char* which = "");

/// A batch, seen as what goes into a model and what should come out.
struct Labeled {
  std::span<const Tensor> inputs;
  const Tensor& targets;

  /// Throws unless the model takes that many inputs.
  static Labeled of(const char* op, const Batch& batch, const AnyModel& model);
};

/// Of a batch with targets or without, what goes into the model: all that it takes, else all but
/// the targets at the end.
std::span<const Tensor> inputs_of(const char* op, const Batch& batch, const AnyModel& model);

/// What only has to be looked at in the first batch.
void look_at_first(const char* op, const TrainerOptions& purpose, const Tensor& outputs,
                   const Tensor& targets);

/// One pass in eval mode, off the tape.
Evaluation run_evaluation(const char* op, AnyModel& model, const TrainerOptions& purpose,
                          const Data& data, const PassOptions& options);

}  // namespace reel::train::detail
