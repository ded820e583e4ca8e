#include "reel/datasets/audio.h"

#include <sndfile.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include "reel/base/detail/file.h"
#include "reel/base/detail/shared_library.h"
#include "reel/base/fail.h"
#include "reel/datasets/detail/whole_file.h"

namespace reel::datasets {
namespace {

constexpr const char* reading = "read_audio";
constexpr const char* writing = "write_wav";

/// The functions of libsndfile that are used here.
struct Sndfile {
  decltype(&::sf_open_virtual) open_virtual = nullptr;
  decltype(&::sf_close) close = nullptr;
  decltype(&::sf_strerror) error_text = nullptr;
  decltype(&::sf_error) error = nullptr;
  decltype(&::sf_command) command = nullptr;
  decltype(&::sf_seek) seek = nullptr;
  decltype(&::sf_readf_float) read_floats = nullptr;
  decltype(&::sf_writef_float) write_floats = nullptr;
  decltype(&::sf_writef_int) write_ints = nullptr;
  decltype(&::sf_writef_short) write_shorts = nullptr;

  /// Loaded by the first call, which `op` names where that fails.
  static const Sndfile& get(const char* op) {
    static const Sndfile library(op);
    return library;
  }

 private:
  explicit Sndfile(const char* op) {
    const reel::detail::SharedLibrary library(op, "libsndfile.so.1", "libsndfile1");
    library.find(open_virtual, "sf_open_virtual");
    library.find(close, "sf_close");
    library.find(error_text, "sf_strerror");
    library.find(error, "sf_error");
    library.find(command, "sf_command");
    library.find(seek, "sf_seek");
    library.find(read_floats, "sf_readf_float");
    library.find(write_floats, "sf_writef_float");
    library.find(write_ints, "sf_writef_int");
    library.find(write_shorts, "sf_writef_short");
  }
};

/// A file in memory as libsndfile reads and writes it.
struct MemoryFile {
  std::span<const std::byte> content;  // when read
  std::vector<std::byte> written;      // when written
  sf_count_t at = 0;
  bool writes = false;

  sf_count_t size() const {
    return static_cast<sf_count_t>(writes ? written.size() : content.size());
  }

  static sf_count_t length(void* user) { return static_cast<MemoryFile*>(user)->size(); }
  static sf_count_t tell(void* user) { return static_cast<MemoryFile*>(user)->at; }

  static sf_count_t seek(sf_count_t offset, int whence, void* user) {
    auto& file = *static_cast<MemoryFile*>(user);
    const sf_count_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file.at : file.size();
    if (__builtin_add_overflow(base, offset, &offset) || offset < 0) return -1;
    return file.at = offset;
  }

  static sf_count_t read(void* to, sf_count_t count, void* user) {
    auto& file = *static_cast<MemoryFile*>(user);
    const sf_count_t got = std::min(count, file.size() - file.at);
    if (got <= 0) return 0;
    std::memcpy(to, file.content.data() + file.at, static_cast<std::size_t>(got));
    file.at += got;
    return got;
  }

  static sf_count_t write(const void* from, sf_count_t count, void* user) {
    auto& file = *static_cast<MemoryFile*>(user);
    try {
      const auto end = static_cast<std::size_t>(file.at + count);
      if (file.written.size() < end) file.written.resize(end);
    } catch (const std::bad_alloc&) {  // no exception may cross libsndfile
      return 0;
    }
    std::memcpy(file.written.data() + file.at, from, static_cast<std::size_t>(count));
    file.at += count;
    return count;
  }

  static SF_VIRTUAL_IO functions() { return {length, seek, read, write, tell}; }
};

using Handle = std::unique_ptr<SNDFILE, decltype(Sndfile::close)>;

std::uint32_t little_endian(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i > 0; --i) {
    value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i - 1]);
  }
  return value;
}

/// Of a WAV file that was cut off libsndfile reads what is there, and says nothing.
void check_whole_wav(std::span<const std::byte> file, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.size() < 12 || !text.starts_with("RIFF") || text.substr(8, 4) != "WAVE") return;
  std::size_t at = 12;
  while (at + 8 <= file.size()) {
    const std::size_t size = little_endian(file, at + 4), left = file.size() - at - 8;
    if (text.substr(at, 4) == "data") {
      // Programs that write to a pipe cannot know the size, and leave the largest.
      const bool unknown = size >= 0x7fff'ff00U;
      check(unknown || size <= left, reading, "expected {} bytes of sound, got {} ({}, offset {})",
            size, left, name, at + 8);
      return;
    }
    at += 8 + size + size % 2;
  }
  fail(reading, "expected a chunk \"data\", got the end of the file ({}, offset {})", name,
       file.size());
}

/// Samples one frame after another, as they lie in files.
std::vector<float> read_frames(const Sndfile& library, SNDFILE* file, Size channels, Size most) {
  constexpr Size piece = 1 << 16;  // samples
  const Size frames_a_piece = std::max<Size>(1, piece / channels);
  std::vector<float> samples;
  for (Size done = 0; done < most;) {
    const Size wanted = std::min(frames_a_piece, most - done);
    const std::size_t before = samples.size();
    samples.resize(before + static_cast<std::size_t>(wanted * channels));
    const Size got = library.read_floats(file, samples.data() + before, wanted);
    samples.resize(before + static_cast<std::size_t>(got * channels));
    done += got;
    if (got < wanted) break;
  }
  return samples;
}

/// `[frames, channels]` in memory as `[channels, frames]`.
Tensor by_channel(const std::vector<float>& samples, Size channels) {
  const Size frames = static_cast<Size>(samples.size()) / channels;
  const Tensor waveform = empty({channels, frames});
  auto* to = waveform.data_ptr<float>();
  for (Size c = 0; c < channels; ++c) {
    const float* from = samples.data() + c;
    for (Size i = 0; i < frames; ++i, from += channels) *to++ = *from;
  }
  return waveform;
}

/// Samples as integers of `bits` bits at the top of `Integer`, one frame after another.
template <class Integer>
std::vector<Integer> quantised(const Tensor& frames, int bits) {
  const double scale = std::ldexp(1.0, bits - 1);
  const auto shift = static_cast<int>(sizeof(Integer) * 8) - bits;
  std::vector<Integer> integers(static_cast<std::size_t>(frames.numel()));
  const auto* from = frames.data_ptr<float>();
  for (std::size_t i = 0; i < integers.size(); ++i) {
    check(!std::isnan(from[i]), writing, "expected numbers, got NaN at channel {} of frame {}",
          i % static_cast<std::size_t>(frames.size(1)),
          i / static_cast<std::size_t>(frames.size(1)));
    const double level = std::clamp(std::nearbyint(from[i] * scale), -scale, scale - 1);
    integers[i] =
        static_cast<Integer>(static_cast<std::int64_t>(level) * (std::int64_t{1} << shift));
  }
  return integers;
}

}  // namespace

Audio decode_audio(std::span<const std::byte> bytes, const ReadAudioOptions& options,
                   const std::string& name) {
  check(options.num_frames >= -1, reading, "expected num_frames >= -1, got {}", options.num_frames);
  const Sndfile& library = Sndfile::get(reading);
  check_whole_wav(bytes, name);
  MemoryFile memory{.content = bytes, .written = {}};
  SF_VIRTUAL_IO functions = MemoryFile::functions();
  SF_INFO info{};
  const Handle file(library.open_virtual(&functions, SFM_READ, &info, &memory), library.close);
  check(file != nullptr, reading, "expected a sound file, got \"{}\" ({})",
        library.error_text(nullptr), name);
  check(info.channels > 0 && info.samplerate > 0, reading,
        "expected at least one channel and a rate above 0, got {} and {} ({})", info.channels,
        info.samplerate, name);
  check(options.frame_offset >= 0 && options.frame_offset <= info.frames, reading,
        "expected frame_offset in [0, {}], got {} ({})", info.frames, options.frame_offset, name);
  if (options.frame_offset > 0) {
    check(library.seek(file.get(), options.frame_offset, SEEK_SET) == options.frame_offset, reading,
          "expected a file that can be read from frame {}, got \"{}\" ({})", options.frame_offset,
          library.error_text(file.get()), name);
  }
  const Size left = info.frames - options.frame_offset;
  const Size most = options.num_frames < 0 ? left : std::min(left, options.num_frames);
  const std::vector<float> samples = read_frames(library, file.get(), info.channels, most);
  check(library.error(file.get()) == SF_ERR_NO_ERROR, reading,
        "expected an intact sound file, got \"{}\" ({})", library.error_text(file.get()), name);
  const Size got = static_cast<Size>(samples.size()) / info.channels;
  // Of an MP3 file the number of frames is an estimate.
  const bool estimated = (info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG;
  check(got == most || estimated, reading, "expected {} frames from frame {} on, got {} ({})", most,
        options.frame_offset, got, name);
  return {by_channel(samples, info.channels), info.samplerate};
}

Audio read_audio(const std::string& path, const ReadAudioOptions& options) {
  const std::string file = detail::whole_file(reading, path);
  return decode_audio(std::as_bytes(std::span(file)), options, path);
}

void write_wav(const std::string& path, const Tensor& waveform, Size sample_rate,
               const WriteWavOptions& options) {
  constexpr Size most_channels = 1024, most_rate = 1 << 30;
  check((waveform.dim() == 1 || waveform.dim() == 2) && waveform.dtype() == float32, writing,
        "expected float32 of shape [frames] or [channels, frames], got {} {}", waveform.dtype(),
        waveform.shape());
  const Tensor planes = waveform.dim() == 1 ? waveform.unsqueeze(0) : waveform;
  check(planes.size(0) >= 1 && planes.size(0) <= most_channels, writing,
        "expected 1 to {} channels, got {}", most_channels, planes.size(0));
  check(sample_rate >= 1 && sample_rate <= most_rate, writing,
        "expected a sample_rate in [1, {}], got {}", most_rate, sample_rate);
  const Tensor frames = planes.detach().t().contiguous();

  const Sndfile& library = Sndfile::get(writing);
  constexpr std::array formats = {SF_FORMAT_PCM_16, SF_FORMAT_PCM_24, SF_FORMAT_FLOAT};
  MemoryFile memory{.content = {}, .written = {}, .writes = true};
  SF_VIRTUAL_IO functions = MemoryFile::functions();
  SF_INFO info{};
  info.samplerate = static_cast<int>(sample_rate);
  info.channels = static_cast<int>(frames.size(1));
  info.format = SF_FORMAT_WAV | formats[static_cast<std::size_t>(options.encoding)];
  Handle file(library.open_virtual(&functions, SFM_WRITE, &info, &memory), library.close);
  check(file != nullptr, writing, "expected a format that libsndfile writes, got \"{}\"",
        library.error_text(nullptr));
  // It would hold the time of day: the same sound makes the same file.
  library.command(file.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);

  // libsndfile's own conversion takes 1 to 32767 and reads that as less than 1: not what was read
  // is written again.
  Size written = 0;
  switch (options.encoding) {
    case WavEncoding::pcm16:
      written =
          library.write_shorts(file.get(), quantised<short>(frames, 16).data(), frames.size(0));
      break;
    case WavEncoding::pcm24:
      written = library.write_ints(file.get(), quantised<int>(frames, 24).data(), frames.size(0));
      break;
    case WavEncoding::float32:
      written = library.write_floats(file.get(), frames.data_ptr<float>(), frames.size(0));
  }
  check(written == frames.size(0), writing, "expected {} frames to be written, got {}: \"{}\" ({})",
        frames.size(0), written, library.error_text(file.get()), path);
  file.reset();  // completes the header
  reel::detail::OutputFile output(writing, path);
  output.write(memory.written.data(), memory.written.size());
  output.commit();
}

}  // namespace reel::datasets
