// decode_image over any bytes: a picture or an Error, and no more memory than the file can justify.
// The first byte says which channels are asked for.

#include "reel/datasets/image.h"

#include <cstring>
#include <span>
#include <string>

#include "fuzz/byte_reader.h"
#include "fuzz/demand.h"
#include "reel/base/error.h"

using namespace reel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reel::testing::ByteReader input(data, size);
  const auto mode = static_cast<datasets::ImageMode>(input.below(5));
  const std::string file = input.text(input.left());
  try {
    const Tensor image = datasets::decode_image(std::as_bytes(std::span(file)), {.mode = mode});
    DEMAND(image.dtype() == uint8 && image.dim() == 3 && image.numel() > 0);
    DEMAND(mode == datasets::ImageMode::unchanged || image.size(0) == static_cast<Size>(mode));
    // PNG: 1032 to 1 by deflate, and a bit to four channels.
    DEMAND(image.numel() / (1032 * 8 * 4) <= static_cast<Size>(file.size()));
  } catch (const Error& error) {
    DEMAND(std::strncmp(error.what(), "[read_image] expected ", 22) == 0);
  }
  return 0;
}
