#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "reel/autograd/tensor.h"

namespace reel::datasets {

/// A sound: what `read_audio` returns.
struct Audio {
  Tensor waveform;       ///< float32 `[channels, frames]`
  Size sample_rate = 0;  ///< frames a second

  /// How long the sound is: its frames by their rate.
  double seconds() const {
    return static_cast<double>(waveform.size(1)) / static_cast<double>(sample_rate);
  }
};

/// How `read_audio` reads.
struct ReadAudioOptions {
  /// The first frame.
  Size frame_offset = 0;
  /// How many frames; -1: all that follow. Fewer come where the file ends.
  Size num_frames = -1;
};

/// Reads a WAV, FLAC, OGG (Vorbis, Opus), MP3, AIFF or other file that libsndfile knows, told by
/// its content, as float32 in [-1, 1): 16-bit samples divided by 32768. Follows `torchaudio.load`.
///
/// **Example**
/// ```cpp
/// auto [waveform, sample_rate] = read_audio("7_jackson_32.wav");   // [1, 3457], 8000
/// ```
/// Memory grows with what is read, not with what a header says. Throws `Error`, as in `[read_audio]
/// expected a sound file, got "No 'data' chunk marker" (file)`, for a file that is missing,
/// damaged, shorter than its header says, or no sound; and where Reel was built without
/// `REEL_AUDIO`, or libsndfile, which is loaded at first use, is not installed.
REEL_API Audio read_audio(const std::string& path, const ReadAudioOptions& options = {});

/// The same of a file in memory; `name` stands for it in errors.
REEL_API Audio decode_audio(std::span<const std::byte> file, const ReadAudioOptions& options = {},
                            const std::string& name = "bytes");

/// How samples lie in a WAV file.
enum class WavEncoding {
  pcm16,    ///< integers of 16 bits: what players know best
  pcm24,    ///< integers of 24 bits
  float32,  ///< the tensor's own numbers, bit for bit
};

/// How `write_wav` writes.
struct WriteWavOptions {
  WavEncoding encoding = WavEncoding::pcm16;  ///< what samples become in the file
};

/// Writes float32 `[frames]` or `[channels, frames]` as a WAV file. Samples beyond [-1, 1) are
/// clipped where they become integers. The file is written beside and renamed. Follows
/// `torchaudio.save`.
///
/// Throws `Error` for other shapes and dtypes, more than 1024 channels, rates below 1, NaN where
/// samples become integers, and files that cannot be written.
REEL_API void write_wav(const std::string& path, const Tensor& waveform, Size sample_rate,
                        const WriteWavOptions& options = {});

}  // namespace reel::datasets
