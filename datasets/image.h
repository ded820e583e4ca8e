#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "reel/autograd/tensor.h"

namespace reel::datasets {

/// The channels that a picture is read with.
enum class ImageMode {
  unchanged,   ///< as in the file: 1, 2 (with alpha), 3 or 4 (with alpha)
  gray,        ///< 1: 0.299 R + 0.587 G + 0.114 B
  gray_alpha,  ///< 2; alpha is 255 where the file has none
  rgb,         ///< 3; alpha is dropped, not blended
  rgb_alpha,   ///< 4
};

/// How `read_image` reads.
struct ReadImageOptions {
  ImageMode mode = ImageMode::unchanged;  ///< the channels of the result
  /// Whether the picture is turned as its EXIF data ask for, so that it stands as in a viewer.
  /// torchvision's default is false.
  bool apply_exif_orientation = true;
};

/// Reads a PNG or JPEG file, told by its content: uint8 `[C, H, W]`, as `torchvision.io.read_image`
/// channels last in memory (`strides()` says so; `contiguous()` changes it).
///
/// PNG: palettes become colours, 1, 2 and 4 bits are spread over [0, 255], 16 bits are rounded to
/// 8, a transparent colour becomes alpha, interlaced files are read, no gamma is applied. JPEG:
/// baseline and progressive; CMYK and YCCK become RGB.
///
/// Sizes are checked against the file before memory is taken. Throws `Error`, as in `[read_image]
/// expected an intact PNG file, got "IDAT: CRC error" (file, offset 61)`, for a file that is
/// missing, cut off, damaged, or no picture; and where Reel was built without `REEL_IMAGE`, or
/// libpng or libturbojpeg, which are loaded at first use, are not installed.
REEL_API Tensor read_image(const std::string& path, const ReadImageOptions& options = {});

/// The same of a file in memory; `name` stands for it in errors. Follows
/// `torchvision.io.decode_image`.
REEL_API Tensor decode_image(std::span<const std::byte> file, const ReadImageOptions& options = {},
                             const std::string& name = "bytes");

/// How `write_png` writes.
struct WritePngOptions {
  int compression_level = 6;  ///< 0 (none, quick) to 9 (small, slow)
};

/// Writes uint8 `[H, W]` (gray) or `[C, H, W]` of 1 (gray), 2 (gray and alpha), 3 (RGB) or 4 (RGBA)
/// channels as a PNG file of 8 bits. The file is written beside and renamed. Follows
/// `torchvision.io.write_png`.
///
/// Throws `Error` for other shapes and dtypes, and files that cannot be written.
REEL_API void write_png(const std::string& path, const Tensor& image,
                        const WritePngOptions& options = {});

/// How `write_jpeg` writes.
struct WriteJpegOptions {
  int quality = 75;  ///< 1 to 100
};

/// Writes uint8 `[H, W]`, `[1, H, W]` (gray) or `[3, H, W]` (RGB) as a baseline JPEG file, colours
/// at half the resolution (4:2:0). The file is written beside and renamed. Follows
/// `torchvision.io.write_jpeg`.
///
/// Throws `Error` for other shapes and dtypes, sizes above 65500, and files that cannot be written.
REEL_API void write_jpeg(const std::string& path, const Tensor& image,
                         const WriteJpegOptions& options = {});

}  // namespace reel::datasets
