// Stands for audio.cpp where Reel is built with REEL_AUDIO=OFF.

#include "reel/base/fail.h"
#include "reel/datasets/audio.h"

namespace reel::datasets {
namespace {

[[noreturn]] void missing(const char* op) {
  fail(op,
       "expected Reel with sound files, got one that was built without\n"
       "help: build Reel with -DREEL_AUDIO=ON, which needs libsndfile1-dev");
}

}  // namespace

Audio read_audio(const std::string&, const ReadAudioOptions&) { missing("read_audio"); }

Audio decode_audio(std::span<const std::byte>, const ReadAudioOptions&, const std::string&) {
  missing("read_audio");
}

void write_wav(const std::string&, const Tensor&, Size, const WriteWavOptions&) {
  missing("write_wav");
}

}  // namespace reel::datasets
