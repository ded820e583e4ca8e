#pragma once

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "reel/autograd/tensor.h"
#include "reel/datasets/download.h"

namespace reel::datasets {

/// FSDD, the Free Spoken Digit Dataset: 3,000 recordings at 8 kHz, 0.1 to 2.3 seconds long, of six
/// speakers who say each digit 50 times; Jackson et al.,
/// https://github.com/Jakobovski/free-spoken-digit-dataset, CC BY-SA 4.0. Recordings 0 to 4 of each
/// speaker and digit are for testing, as its makers say. A handle: copies share the sounds.
///
/// Found as `fsdd/fsdd.tar.gz`, which is not unpacked, in `options.root`, `$REEL_DATA` or the
/// cache. A sample is a waveform, float32 `[1, frames]`, and the digit; `pad_sequence` with
/// `dim = 1` makes batches of them.
class REEL_API FSDD {
 public:
  static constexpr Size sample_rate = 8000;  ///< frames a second, of all sounds

  /// 2,700 recordings, decoded here. Throws `Error` when the archive is not found or damaged, or
  /// where Reel reads no sounds.
  static FSDD train(const FetchOptions& options = {});
  /// The 300 for testing. Throws as `train` does.
  static FSDD test(const FetchOptions& options = {});

  /// "0" to "9".
  static const std::vector<std::string>& class_names();

  /// The number of recordings.
  Size size() const { return static_cast<Size>(sounds_->waveforms.size()); }

  /// The digits of all samples, int64 `[N]`.
  const Tensor& labels() const { return sounds_->labels; }
  /// The number of frames of each sample, int64 `[N]`.
  const Tensor& lengths() const { return sounds_->lengths; }
  /// Who says sample `index`: "jackson". Throws for an index out of range.
  const std::string& speaker(Size index) const;

  /// The waveform of sample `index`, float32 `[1, frames]`, not a copy, and its digit. Throws
  /// `Error` for an index out of range.
  std::tuple<Tensor, Size> get(Size index) const;

 private:
  struct Sounds {
    std::vector<Tensor> waveforms;
    std::vector<std::string> speakers;
    Tensor labels, lengths;
  };
  explicit FSDD(std::shared_ptr<const Sounds> sounds) : sounds_(std::move(sounds)) {}
  static FSDD read(bool test, const FetchOptions& options);

  std::shared_ptr<const Sounds> sounds_;
};

}  // namespace reel::datasets
