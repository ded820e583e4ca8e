#include "reel/datasets/image.h"

#include <algorithm>

#include "reel/base/detail/file.h"
#include "reel/base/fail.h"
#include "reel/datasets/detail/image_file.h"
#include "reel/datasets/detail/whole_file.h"
#include "reel/ops/shape/view.h"

namespace reel::datasets {
namespace {

constexpr const char* reading = "read_image";

/// Brightness as ITU-R 601-2 and Pillow have it.
std::uint8_t gray_of(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((rgb[0] * 19595U + rgb[1] * 38470U + rgb[2] * 7471U + 0x8000U) >>
                                   16);
}

Size channels_of(ImageMode mode, Size own) {
  return mode == ImageMode::unchanged ? own : static_cast<Size>(mode);
}
static_assert(static_cast<int>(ImageMode::gray) == 1 &&
              static_cast<int>(ImageMode::rgb_alpha) == 4);

/// `[H, W, C]` with other channels.
Tensor with_channels(const Tensor& pixels, Size channels) {
  const Size own = pixels.size(2);
  if (own == channels) return pixels;
  const Tensor converted = empty({pixels.size(0), pixels.size(1), channels}, {.dtype = uint8});
  const auto* from = pixels.data_ptr<std::uint8_t>();
  auto* to = converted.data_ptr<std::uint8_t>();
  const bool has_color = own >= 3, wants_color = channels >= 3;
  const bool has_alpha = own % 2 == 0, wants_alpha = channels % 2 == 0;
  for (Size i = 0; i < pixels.size(0) * pixels.size(1); ++i, from += own) {
    if (!wants_color) {
      *to++ = has_color ? gray_of(from) : from[0];
    } else {
      for (int c = 0; c < 3; ++c) *to++ = from[has_color ? c : 0];
    }
    if (wants_alpha) *to++ = has_alpha ? from[own - 1] : 255;
  }
  return converted;
}

/// `[H, W, C]` turned and mirrored as EXIF's orientations 1 to 8 ask for: in 5 to 8 the columns of
/// the file are the rows of the picture.
Tensor oriented(const Tensor& pixels, int orientation) {
  if (orientation == 1) return pixels;
  const Size height = pixels.size(0), width = pixels.size(1), channels = pixels.size(2);
  const bool swapped = orientation >= 5;
  const bool from_bottom =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const Size row_step = from_bottom ? -width : width, column_step = from_right ? -1 : 1;
  const Size y_step = swapped ? column_step : row_step, x_step = swapped ? row_step : column_step;
  const Size first = (from_bottom ? (height - 1) * width : 0) + (from_right ? width - 1 : 0);

  const Tensor turned = swapped ? empty({width, height, channels}, {.dtype = uint8})
                                : empty({height, width, channels}, {.dtype = uint8});
  const auto* from = pixels.data_ptr<std::uint8_t>();
  auto* to = turned.data_ptr<std::uint8_t>();
  for (Size y = 0; y < turned.size(0); ++y) {
    for (Size x = 0; x < turned.size(1); ++x) {
      to = std::copy_n(from + (first + y * y_step + x * x_step) * channels, channels, to);
    }
  }
  return turned;
}

/// `[H, W]` or `[C, H, W]` as contiguous `[H, W, C]`.
Tensor pixels_of(const char* op, const Tensor& image, std::initializer_list<Size> channels,
                 const char* shapes) {
  const bool fits = image.dim() == 2 ||
                    (image.dim() == 3 &&
                     std::find(channels.begin(), channels.end(), image.size(0)) != channels.end());
  check(fits && image.numel() > 0, op, "expected a picture of shape {}, got {}", shapes,
        image.shape());
  check(image.dtype() == uint8, op, "expected a picture of dtype uint8, got {}{}", image.dtype(),
        image.is_floating_point()
            ? "\nhelp: of values in [0, 1], (image * 255 + 0.5).clamp(0, 255).to(uint8)"
            : "");
  const Tensor planes = image.dim() == 2 ? image.unsqueeze(0) : image;
  return planes.detach().permute({1, 2, 0}).contiguous();
}

void write_whole(const char* op, const std::string& path, const std::vector<std::byte>& bytes) {
  reel::detail::OutputFile file(op, path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace

Tensor decode_image(std::span<const std::byte> bytes, const ReadImageOptions& options,
                    const std::string& name) {
  const detail::ImageFile file{bytes, name};
  detail::DecodedImage image;
  if (detail::is_png(bytes)) {
    image = detail::decode_png(reading, file);
  } else if (detail::is_jpeg(bytes)) {
    image = detail::decode_jpeg(reading, file, options.mode == ImageMode::gray);
  } else {
    fail(reading, "expected a PNG or JPEG file, got {} bytes that begin as neither ({}, offset 0)",
         bytes.size(), name);
  }
  Tensor pixels = with_channels(image.pixels, channels_of(options.mode, image.pixels.size(2)));
  if (options.apply_exif_orientation) pixels = oriented(pixels, image.orientation);
  return pixels.permute({2, 0, 1});
}

Tensor read_image(const std::string& path, const ReadImageOptions& options) {
  const std::string file = detail::whole_file(reading, path);
  return decode_image(std::as_bytes(std::span(file)), options, path);
}

void write_png(const std::string& path, const Tensor& image, const WritePngOptions& options) {
  constexpr const char* op = "write_png";
  check(options.compression_level >= 0 && options.compression_level <= 9, op,
        "expected compression_level in [0, 9], got {}", options.compression_level);
  const Tensor pixels =
      pixels_of(op, image, {1, 2, 3, 4}, "[H, W] or [1, 2, 3 or 4, H, W] with at least one pixel");
  write_whole(op, path, detail::encode_png(op, pixels, options.compression_level));
}

void write_jpeg(const std::string& path, const Tensor& image, const WriteJpegOptions& options) {
  constexpr const char* op = "write_jpeg";
  constexpr Size most = 65500;
  check(options.quality >= 1 && options.quality <= 100, op, "expected quality in [1, 100], got {}",
        options.quality);
  const Tensor pixels =
      pixels_of(op, image, {1, 3}, "[H, W] or [1 or 3, H, W] with at least one pixel");
  check(pixels.size(0) <= most && pixels.size(1) <= most, op,
        "expected at most {} pixels a side, got {}", most, image.shape());
  write_whole(op, path, detail::encode_jpeg(op, pixels, options.quality));
}

}  // namespace reel::datasets
