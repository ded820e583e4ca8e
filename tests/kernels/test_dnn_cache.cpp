#include <doctest/doctest.h>

#include "reel/base/allocator.h"
#include "reel/kernels/dnn_primitives.h"

using namespace reel;

TEST_CASE("empty_cache drops the primitives that oneDNN has made") {
  const std::uint32_t before = kernels::dnn::context().emptied;
  empty_cache();
  CHECK(kernels::dnn::context().emptied == before + 1);
}

TEST_CASE("empty_cache calls whoever asked for it, each time") {
  static int calls = 0;
  detail::on_empty_cache([] { ++calls; });
  empty_cache();
  empty_cache();
  CHECK(calls == 2);
}
