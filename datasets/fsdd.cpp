#include "reel/datasets/fsdd.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>

#include "reel/base/fail.h"
#include "reel/datasets/audio.h"
#include "reel/datasets/dataset.h"
#include "reel/datasets/detail/tar.h"
#include "reel/datasets/known_sets.h"

namespace reel::datasets {
namespace {

constexpr const char* op = "FSDD";

/// What the name of a recording says: `7_jackson_32.wav`.
struct Recording {
  Size digit = 0;
  std::string speaker;
  Size index = 0;
  std::string content;
};

std::optional<Recording> recording_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t first = name.find('_'), last = name.rfind('_');
  if (!name.ends_with(".wav") || first != 1 || last == first || name[0] < '0' || name[0] > '9') {
    return std::nullopt;
  }
  Recording recording{.digit = name[0] - '0',
                      .speaker = std::string(name.substr(2, last - 2)),
                      .index = 0,
                      .content = {}};
  const char* const end = name.data() + name.size() - 4;
  const auto [at, error] = std::from_chars(name.data() + last + 1, end, recording.index);
  if (error != std::errc() || at != end) return std::nullopt;
  return recording;
}

}  // namespace

FSDD FSDD::read(bool test, const FetchOptions& options) {
  constexpr Size first_for_training = 5;
  const std::string path = detail::path_of(set_info("fsdd"), 0, options);
  std::vector<Recording> recordings;
  for (detail::TarReader tar(op, path); tar.next();) {
    std::optional<Recording> recording = recording_of(tar.name());
    if (!recording || (recording->index < first_for_training) != test) continue;
    recording->content = tar.content();
    recordings.push_back(std::move(*recording));
  }
  // In an order that does not depend on the archive's.
  std::sort(recordings.begin(), recordings.end(), [](const Recording& a, const Recording& b) {
    return std::tie(a.digit, a.speaker, a.index) < std::tie(b.digit, b.speaker, b.index);
  });
  auto sounds = std::make_shared<Sounds>();
  std::vector<Size> labels, lengths;
  for (Recording& recording : recordings) {
    const std::string name =
        fmt::format("{}_{}_{}.wav", recording.digit, recording.speaker, recording.index);
    const Audio audio = decode_audio(std::as_bytes(std::span(recording.content)), {}, name);
    check(audio.waveform.size(0) == 1 && audio.sample_rate == sample_rate, op,
          "expected one channel at {} Hz, got {} at {} ({} in {})", sample_rate,
          audio.waveform.size(0), audio.sample_rate, name, path);
    sounds->waveforms.push_back(audio.waveform);
    sounds->speakers.push_back(std::move(recording.speaker));
    labels.push_back(recording.digit);
    lengths.push_back(audio.waveform.size(1));
    recording.content = {};
  }
  check(!labels.empty(), op, "expected recordings such as 7_jackson_32.wav, got none ({})", path);
  sounds->labels = tensor(labels);
  sounds->lengths = tensor(lengths);
  return FSDD(std::move(sounds));
}

FSDD FSDD::train(const FetchOptions& options) { return read(false, options); }
FSDD FSDD::test(const FetchOptions& options) { return read(true, options); }

const std::vector<std::string>& FSDD::class_names() { return set_info("fsdd").class_names; }

const std::string& FSDD::speaker(Size index) const {
  reel::detail::check_indices(op, {&index, 1}, size());
  return sounds_->speakers[static_cast<std::size_t>(index)];
}

std::tuple<Tensor, Size> FSDD::get(Size index) const {
  reel::detail::check_indices(op, {&index, 1}, size());
  return {sounds_->waveforms[static_cast<std::size_t>(index)],
          sounds_->labels.data_ptr<std::int64_t>()[index]};
}

}  // namespace reel::datasets
