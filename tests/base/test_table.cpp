#include "reel/base/detail/table.h"

#include <doctest/doctest.h>

using namespace reel::detail;

TEST_CASE("a table is as wide as its texts, or cut to the columns there are") {
  Table table({{"name", "type", "", "bytes"}, {"a.rather.long.name", "float32", "", "1,024"}});
  CHECK(table.text() ==
        "  name                type     bytes\n"
        "  a.rather.long.name  float32  1,024\n");
  table.fit(30, {0, 1});
  CHECK(table.text() ==
        "  name          type     bytes\n"
        "  a.rather....  float32  1,024\n");
}

TEST_CASE("numbers in a table are readable") {
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1000) == "1,000");
  CHECK(with_commas(1234567) == "1,234,567");
  CHECK(readable_bytes(1023) == "1023 bytes");
  CHECK(readable_bytes(1536) == "1.5 KiB");
  CHECK(readable_bytes(3 << 20) == "3.0 MiB");
}
