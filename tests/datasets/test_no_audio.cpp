#include <doctest/doctest.h>

#include "reel/datasets/audio.h"
#include "reel/ops/create/create.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;

TEST_CASE("a Reel built without sound files says so") {
  const std::string what =
      "expected Reel with sound files, got one that was built without\nhelp: "
      "build Reel with -DREEL_AUDIO=ON";
  CHECK_ERROR(read_audio("x.wav"), "[read_audio] " + what);
  CHECK_ERROR(decode_audio({}), "[read_audio] " + what);
  CHECK_ERROR(write_wav("x.wav", ones(1), 8000), "[write_wav] " + what);
}
