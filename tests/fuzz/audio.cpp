// decode_audio over any bytes: a sound or an Error.

#include "reel/datasets/audio.h"

#include <cstring>
#include <span>
#include <string>

#include "fuzz/byte_reader.h"
#include "fuzz/demand.h"
#include "reel/base/error.h"

using namespace reel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto sound = datasets::decode_audio(std::as_bytes(std::span(data, size)));
    DEMAND(sound.waveform.dtype() == float32 && sound.waveform.dim() == 2);
    DEMAND(sound.waveform.size(0) > 0 && sound.sample_rate > 0);
  } catch (const Error& error) {
    DEMAND(std::strncmp(error.what(), "[read_audio] expected ", 22) == 0);
  }
  return 0;
}
