#include "reel/datasets/audio.h"

#include <doctest/doctest.h>
#include <sndfile.h>

#include <cmath>
#include <limits>
#include <vector>

#include "reel/base/detail/shared_library.h"
#include "reel/ops/create/create.h"
#include "reel/ops/create/random.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;
using namespace reel::testing;

namespace {

std::vector<float> values_of(const Tensor& t) {
  const Tensor dense = t.contiguous();
  return std::vector<float>(dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel());
}

/// A file of any format that libsndfile writes, of samples one frame after another.
void write_sound(const std::string& path, int format, int channels,
                 const std::vector<float>& samples) {
  const reel::detail::SharedLibrary library("test", "libsndfile.so.1", "libsndfile1");
  decltype(&::sf_open) open = nullptr;
  decltype(&::sf_writef_float) write = nullptr;
  decltype(&::sf_close) close = nullptr;
  library.find(open, "sf_open");
  library.find(write, "sf_writef_float");
  library.find(close, "sf_close");
  SF_INFO info{};
  info.samplerate = 16000;
  info.channels = channels;
  info.format = format;
  SNDFILE* const file = open(path.c_str(), SFM_WRITE, &info);
  REQUIRE(file != nullptr);
  const auto frames = static_cast<sf_count_t>(samples.size()) / channels;
  CHECK(write(file, samples.data(), frames) == frames);
  close(file);
}

/// Four frames of two channels, PCM of 16 bits at 8000 Hz, put together by hand.
const std::string stereo =
    std::string(
        "RIFF\x34\0\0\0WAVEfmt \x10\0\0\0\1\0\2\0\x40\x1f\0\0\0\x7d\0\0\4\0\x10\0data\x10\0\0\0",
        44) +
    std::string("\0\0\xff\x7f\0\x80\1\0\0\x40\0\xc0\xff\xff\0\1", 16);

Audio decode(const std::string& file, const ReadAudioOptions& options = {}) {
  return decode_audio(std::as_bytes(std::span(file)), options, "sound");
}

}  // namespace

TEST_CASE("read_audio gives float32 [channels, frames] and the rate") {
  const TempFolder folder;
  const Audio audio = read_audio(folder.write("stereo.wav", stereo));
  CHECK(audio.sample_rate == 8000);
  CHECK(audio.seconds() == doctest::Approx(4.0 / 8000));
  REQUIRE(audio.waveform.shape() == Shape{2, 4});
  CHECK(audio.waveform.is_contiguous());
  CHECK(values_of(audio.waveform) == std::vector<float>{0, -1, 0.5F, -1.0F / 32768,
                                                        32767.0F / 32768, 1.0F / 32768, -0.5F,
                                                        256.0F / 32768});
}

TEST_CASE("read_audio reads a part of a file") {
  CHECK(values_of(decode(stereo, {.frame_offset = 1, .num_frames = 2}).waveform) ==
        std::vector<float>{-1, 0.5F, 1.0F / 32768, -0.5F});
  CHECK(decode(stereo, {.frame_offset = 3, .num_frames = 100}).waveform.shape() == Shape{2, 1});
  CHECK(decode(stereo, {.frame_offset = 4}).waveform.shape() == Shape{2, 0});
  CHECK(decode(stereo, {.num_frames = 0}).waveform.shape() == Shape{2, 0});
  CHECK_ERROR(decode(stereo, {.frame_offset = 5}),
              "[read_audio] expected frame_offset in [0, 4], got 5 (sound)");
  CHECK_ERROR(decode(stereo, {.frame_offset = -1}), "expected frame_offset in [0, 4], got -1");
  CHECK_ERROR(decode(stereo, {.num_frames = -2}), "expected num_frames >= -1, got -2");
}

TEST_CASE("read_audio reads FLAC, OGG, MP3, AIFF and other encodings of WAV") {
  const TempFolder folder;
  std::vector<float> samples;
  for (int i = 0; i < 16000; ++i) samples.push_back(0.5F * std::sin(0.05F * static_cast<float>(i)));
  struct Case {
    int format;
    double error;
  };
  for (const Case& one :
       {Case{SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 1e-4},
        Case{SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 1e-6},
        Case{SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 1e-4}, Case{SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 0},
        Case{SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 1e-2}, Case{SF_FORMAT_WAV | SF_FORMAT_ULAW, 2e-2},
        Case{SF_FORMAT_OGG | SF_FORMAT_VORBIS, 5e-2}, Case{SF_FORMAT_OGG | SF_FORMAT_OPUS, 0.25},
        Case{SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 1e-1}}) {
    const int format = one.format;
    CAPTURE(format);
    write_sound(folder / "sound", format, 1, samples);
    const Audio audio = read_audio(folder / "sound");
    CHECK(audio.sample_rate == 16000);
    REQUIRE(audio.waveform.size(0) == 1);
    const std::vector<float> got = values_of(audio.waveform);
    const bool padded = (format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG;
    if (padded) {
      CHECK(got.size() >= samples.size());
    } else {
      REQUIRE(got.size() == samples.size());
    }
    double worst = 0;
    for (std::size_t i = 2000; i < 14000; ++i) {
      worst = std::max(worst, std::abs(static_cast<double>(got[i]) - samples[i]));
    }
    if (!padded) CHECK(worst <= one.error);
  }
}

TEST_CASE("a WAV or FLAC file cut off after any byte is an error that names the file") {
  for (std::size_t length = 0; length < stereo.size(); ++length) {
    CAPTURE(length);
    CHECK_ERROR(decode(stereo.substr(0, length)), "(sound");
  }
  const TempFolder folder;
  write_sound(folder / "x.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 2, values_of(rand({2000})));
  const std::string flac = content_of(folder / "x.flac");
  for (std::size_t length = 0; length < flac.size(); length += 97) {
    CAPTURE(length);
    CHECK_ERROR(decode(flac.substr(0, length)), "(sound");
  }
  CHECK_ERROR(decode(stereo.substr(0, 50)),
              "[read_audio] expected 16 bytes of sound, got 6 (sound, offset 44)");
  CHECK_ERROR(decode("no sound at all"), "[read_audio] expected a sound file, got \"");
  CHECK_ERROR(read_audio("/nowhere.wav"), "[read_audio] expected a readable file");
}

TEST_CASE("a WAV file that was written to a pipe has the largest sizes, and is read to its end") {
  std::string piped = stereo;
  piped.replace(40, 4, "\xff\xff\xff\xff");
  piped.replace(4, 4, "\xff\xff\xff\xff");
  CHECK(decode(piped).waveform.shape() == Shape{2, 4});
}

TEST_CASE("what write_wav writes, read_audio reads as the same") {
  const TempFolder folder;
  const Tensor levels = tensor({{0.0F, -1.0F, 0.25F}, {32767.0F / 32768, 1.0F / 32768, -0.5F}});
  for (const WavEncoding encoding :
       {WavEncoding::pcm16, WavEncoding::pcm24, WavEncoding::float32}) {
    write_wav(folder / "x.wav", levels, 44100, {.encoding = encoding});
    const Audio audio = read_audio(folder / "x.wav");
    CHECK(audio.sample_rate == 44100);
    CHECK(audio.waveform.shape() == Shape{2, 3});
    CHECK(values_of(audio.waveform) == values_of(levels));
  }
  write_wav(folder / "x.wav", tensor({2.0F, -3.0F, 0.1F}), 8000);
  CHECK(values_of(read_audio(folder / "x.wav").waveform) ==
        std::vector<float>{32767.0F / 32768, -1, 3277.0F / 32768});
  write_wav(folder / "x.wav", tensor({2.0F, 0.1F}), 8000, {.encoding = WavEncoding::float32});
  CHECK(values_of(read_audio(folder / "x.wav").waveform) == std::vector<float>{2, 0.1F});
  write_wav(folder / "y.wav", levels, 8000);
  CHECK(content_of(folder / "y.wav").size() == 44 + 12);
  write_wav(folder / "none.wav", zeros({1, 0}), 8000);
  CHECK(read_audio(folder / "none.wav").waveform.shape() == Shape{1, 0});
}

TEST_CASE("write_wav refuses what is no sound") {
  const TempFolder folder;
  CHECK_ERROR(write_wav(folder / "x", zeros({1, 2, 3}), 8000),
              "[write_wav] expected float32 of shape [frames] or [channels, frames], got float32 "
              "[1, 2, 3]");
  CHECK_ERROR(write_wav(folder / "x", zeros({3}, {.dtype = float64}), 8000), "got float64 [3]");
  CHECK_ERROR(write_wav(folder / "x", zeros({0, 3}), 8000), "expected 1 to 1024 channels, got 0");
  CHECK_ERROR(write_wav(folder / "x", zeros({3}), 0), "expected a sample_rate in [1, 1073741824]");
  CHECK_ERROR(
      write_wav(folder / "x",
                tensor({{0.0F, 1.0F}, {0.0F, std::numeric_limits<float>::quiet_NaN()}}), 8000),
      "expected numbers, got NaN at channel 1 of frame 1");
  CHECK_ERROR(write_wav("/nowhere/x", zeros({3}), 8000), "expected to write the file");
  CHECK(folder.entries() == 0);
}
