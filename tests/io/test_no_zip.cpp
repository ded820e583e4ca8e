// A build without libzip says so.

#include <doctest/doctest.h>

#include "io/support.h"
#include "reel/io/load.h"
#include "support/temp_folder.h"

using namespace reel::testing;

TEST_CASE("without libzip, files that are zip archives are an error that names it") {
  CHECK_ERROR(reel::io::load_state_dict(recorded("mlp.pth")),
              "[io::load] expected a Reel that reads zip archives, got one built without libzip (" +
                  recorded("mlp.pth") + ")\nhelp: build it with -DREEL_ZIP=ON");
}
