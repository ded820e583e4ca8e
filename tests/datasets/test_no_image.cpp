#include <doctest/doctest.h>

#include "reel/datasets/image.h"
#include "reel/ops/create/create.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;

TEST_CASE("a Reel built without PNG and JPEG says so") {
  const std::string what =
      "expected Reel with PNG and JPEG, got one that was built without\nhelp: "
      "build Reel with -DREEL_IMAGE=ON";
  CHECK_ERROR(read_image("x.png"), "[read_image] " + what);
  CHECK_ERROR(decode_image({}), "[read_image] " + what);
  CHECK_ERROR(write_png("x.png", ones(1)), "[write_png] " + what);
  CHECK_ERROR(write_jpeg("x.jpg", ones(1)), "[write_jpeg] " + what);
}
