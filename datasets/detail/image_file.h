#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel::datasets::detail {

/// A picture as a decoder hands it out.
struct DecodedImage {
  Tensor pixels;        ///< uint8 `[H, W, C]`, C: gray, gray and alpha, RGB, or RGB and alpha
  int orientation = 1;  ///< EXIF's, 1 to 8
};

/// A file in memory, and what it is called in errors.
struct ImageFile {
  std::span<const std::byte> bytes;
  const std::string& name;
};

bool is_png(std::span<const std::byte> file);
DecodedImage decode_png(const char* op, const ImageFile& file);

bool is_jpeg(std::span<const std::byte> file);
/// Where only brightness is asked for (`gray`), colours are not decoded.
DecodedImage decode_jpeg(const char* op, const ImageFile& file, bool gray);

/// `pixels`: contiguous uint8 `[H, W, C]`.
std::vector<std::byte> encode_png(const char* op, const Tensor& pixels, int compression_level);
std::vector<std::byte> encode_jpeg(const char* op, const Tensor& pixels, int quality);

/// The orientation that EXIF data ask for, 1 to 8; 1 where they are damaged or say nothing. The
/// data begin with their byte order, `II` or `MM`.
int exif_orientation(std::span<const std::byte> exif);

}  // namespace reel::datasets::detail
