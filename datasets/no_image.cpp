// Stands for image.cpp where Reel is built with REEL_IMAGE=OFF.

#include "reel/base/fail.h"
#include "reel/datasets/image.h"

namespace reel::datasets {
namespace {

[[noreturn]] void missing(const char* op) {
  fail(op,
       "expected Reel with PNG and JPEG, got one that was built without\n"
       "help: build Reel with -DREEL_IMAGE=ON, which needs libpng-dev and libturbojpeg0-dev");
}

}  // namespace

Tensor read_image(const std::string&, const ReadImageOptions&) { missing("read_image"); }

Tensor decode_image(std::span<const std::byte>, const ReadImageOptions&, const std::string&) {
  missing("read_image");
}

void write_png(const std::string&, const Tensor&, const WritePngOptions&) { missing("write_png"); }

void write_jpeg(const std::string&, const Tensor&, const WriteJpegOptions&) {
  missing("write_jpeg");
}

}  // namespace reel::datasets
