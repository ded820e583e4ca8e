#include "reel/datasets/image.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <zlib.h>

#include <cstdlib>
#include <vector>

#include "datasets/support/pictures.h"
#include "reel/base/detail/shared_library.h"
#include "reel/datasets/detail/image_file.h"
#include "reel/ops/create/create.h"
#include "reel/ops/shape/view.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;
using namespace reel::testing;

namespace {

using Pixels = std::vector<int>;

Tensor decode(const std::string& file, const ReadImageOptions& options = {}) {
  return decode_image(std::as_bytes(std::span(file)), options, "picture");
}

/// All elements in the order of `[C, H, W]`.
Pixels pixels_of(const Tensor& image) {
  const Tensor dense = image.contiguous();
  const auto* first = dense.data_ptr<std::uint8_t>();
  return Pixels(first, first + dense.numel());
}

void check_picture(const Tensor& image, const Shape& shape, const Pixels& pixels) {
  CHECK(image.dtype() == uint8);
  CHECK(image.shape() == shape);
  CHECK(pixels_of(image) == pixels);
}

/// The gray of the middle of each block of 8 x 8.
std::vector<Pixels> blocks_of(const Tensor& image) {
  std::vector<Pixels> rows;
  for (Size y = 4; y < image.size(1); y += 8) {
    rows.emplace_back();
    for (Size x = 4; x < image.size(2); x += 8) {
      rows.back().push_back(image.select(0, 0).select(0, y).select(0, x).item<int>());
    }
  }
  return rows;
}

std::string with_orientation(std::string file, int orientation) {
  // Of the directory's only entry: tag, type, count, value.
  const std::string entry("\x01\x12\0\x03\0\0\0\x01\0", 9);
  const std::size_t at = file.find(entry);
  REQUIRE(at != std::string::npos);
  file[at + entry.size()] = static_cast<char>(orientation);
  return file;
}

}  // namespace

TEST_CASE("read_image reads every kind of PNG as uint8 [C, H, W]") {
  check_picture(decode(png_gray), {1, 2, 3}, {0, 100, 255, 1, 2, 3});
  check_picture(decode(png_gray_1bit), {1, 2, 3}, {255, 0, 255, 0, 255, 0});
  check_picture(decode(png_gray_4bit), {1, 1, 3}, {0, 255, 7 * 17});
  check_picture(decode(png_gray_16bit), {1, 1, 3}, {0, 0x12, 255});
  check_picture(decode(png_rgb), {3, 1, 2}, {255, 20, 0, 200, 10, 30});
  // Rounded, not cut: 33023 / 257 = 128.5, 32512 / 257 = 126.5, 65408 / 257 = 254.5.
  check_picture(decode(png_rgb_16bit), {3, 1, 1}, {128, 127, 255});
  check_picture(decode(png_palette), {3, 1, 3}, {10, 40, 70, 20, 50, 80, 30, 60, 90});
  check_picture(decode(png_palette_alpha), {4, 1, 3},
                {70, 40, 10, 80, 50, 20, 90, 60, 30, 255, 128, 0});
  check_picture(decode(png_gray_alpha), {2, 1, 2}, {7, 9, 8, 10});
  check_picture(decode(png_rgb_alpha), {4, 1, 2}, {1, 5, 2, 6, 3, 7, 4, 8});
  check_picture(decode(png_transparent_color), {4, 1, 2}, {1, 4, 2, 5, 3, 6, 255, 0});
  check_picture(decode(png_interlaced), {1, 2, 3}, {1, 2, 3, 4, 5, 6});
}

TEST_CASE("read_image gives the channels that are asked for") {
  using enum ImageMode;
  check_picture(decode(png_gray, {.mode = rgb}), {3, 2, 3},
                {0, 100, 255, 1, 2, 3, 0, 100, 255, 1, 2, 3, 0, 100, 255, 1, 2, 3});
  check_picture(decode(png_gray_4bit, {.mode = gray_alpha}), {2, 1, 3},
                {0, 255, 119, 255, 255, 255});
  check_picture(decode(png_gray_alpha, {.mode = rgb_alpha}), {4, 1, 2}, {7, 9, 7, 9, 7, 9, 8, 10});
  check_picture(decode(png_gray_alpha, {.mode = gray}), {1, 1, 2}, {7, 9});
  // Pillow: Image.new("RGB", (1, 1), (255, 0, 10)).convert("L").getpixel((0, 0)) is 77, of
  // (20, 200, 30) it is 127.
  check_picture(decode(png_rgb, {.mode = gray}), {1, 1, 2}, {77, 127});
  check_picture(decode(png_rgb, {.mode = rgb_alpha}), {4, 1, 2},
                {255, 20, 0, 200, 10, 30, 255, 255});
  check_picture(decode(png_rgb_alpha, {.mode = rgb}), {3, 1, 2}, {1, 5, 2, 6, 3, 7});
  check_picture(decode(png_rgb_alpha, {.mode = gray_alpha}), {2, 1, 2}, {2, 6, 4, 8});
  CHECK(decode(jpeg_gray, {.mode = rgb}).shape() == Shape{3, 16, 24});
  CHECK(decode(jpeg_rgb, {.mode = gray}).shape() == Shape{1, 8, 16});
}

TEST_CASE("read_image reads gray, colour, progressive and CMYK JPEG") {
  CHECK(blocks_of(decode(jpeg_gray)) == std::vector<Pixels>{{0, 80, 160}, {240, 40, 200}});
  const auto check_near = [](const std::string& file, const Pixels& left, const Pixels& right) {
    const Tensor image = decode(file);
    REQUIRE(image.shape() == Shape{3, 8, 16});
    for (Size c = 0; c < 3; ++c) {
      const auto at = [&](Size x) {
        return image.select(0, c).select(0, 3).select(0, x).item<int>();
      };
      CHECK(std::abs(at(3) - left[static_cast<std::size_t>(c)]) <= 1);
      CHECK(std::abs(at(12) - right[static_cast<std::size_t>(c)]) <= 1);
    }
  };
  check_near(jpeg_rgb, {200, 30, 60}, {10, 120, 250});
  check_near(jpeg_progressive, {200, 30, 60}, {10, 120, 250});
  // (255 - C)(255 - K) / 255 and so on, as Pillow's convert("RGB") has it.
  check_near(jpeg_cmyk, {53, 216, 187}, {159, 87, 3});
  // The red, 200, 30, 60, is 84 bright.
  CHECK(std::abs(pixels_of(decode(jpeg_rgb, {.mode = ImageMode::gray}))[0] - 84) <= 1);
}

TEST_CASE("read_image turns a picture as its EXIF data ask for") {
  // What stands where in the file, 1 2 3 above 4 5 6, as EXIF 2.32 defines the orientations: the
  // side of the picture that row 0 and column 0 of the file are.
  const int a = 0, b = 80, c = 160, d = 240, e = 40, f = 200;
  const std::vector<std::vector<Pixels>> expected = {
      {{a, b, c}, {d, e, f}},    // 1: top, left
      {{c, b, a}, {f, e, d}},    // 2: top, right
      {{f, e, d}, {c, b, a}},    // 3: bottom, right
      {{d, e, f}, {a, b, c}},    // 4: bottom, left
      {{a, d}, {b, e}, {c, f}},  // 5: left, top
      {{d, a}, {e, b}, {f, c}},  // 6: right, top
      {{f, c}, {e, b}, {d, a}},  // 7: right, bottom
      {{c, f}, {b, e}, {a, d}},  // 8: left, bottom
  };
  for (int orientation = 1; orientation <= 8; ++orientation) {
    CAPTURE(orientation);
    const std::string file = with_orientation(jpeg_exif, orientation);
    CHECK(blocks_of(decode(file)) == expected[static_cast<std::size_t>(orientation - 1)]);
    CHECK(blocks_of(decode(file, {.apply_exif_orientation = false})) == expected[0]);
  }
  CHECK(blocks_of(decode(with_orientation(jpeg_exif, 9))) == expected[0]);
  CHECK(blocks_of(decode(with_orientation(jpeg_exif, 0))) == expected[0]);
  check_picture(decode(png_exif), {1, 2, 1}, {1, 2});
  check_picture(decode(png_exif, {.apply_exif_orientation = false}), {1, 1, 2}, {1, 2});
}

TEST_CASE("EXIF data in both byte orders, and damaged ones, give an orientation") {
  const auto orientation = [](std::string_view exif) {
    return datasets::detail::exif_orientation(std::as_bytes(std::span(exif)));
  };
  const std::string big("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0", 22);
  const std::string little("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0", 22);
  CHECK(orientation(big) == 6);
  CHECK(orientation(little) == 6);
  for (std::size_t length = 0; length < 20; ++length) {
    CHECK(orientation(std::string_view(big).substr(0, length)) == 1);
  }
  std::string far = big;
  far[4] = far[5] = far[6] = far[7] = '\xff';
  CHECK(orientation(far) == 1);
  CHECK(orientation("XX") == 1);
}

TEST_CASE("a picture cut off after any byte is an error that names the file") {
  for (const std::string& file : {png_rgb_alpha, png_interlaced, png_palette_alpha, jpeg_gray,
                                  jpeg_exif, jpeg_progressive, jpeg_cmyk}) {
    for (std::size_t length = 0; length < file.size(); ++length) {
      CAPTURE(length);
      if (length + 2 >= file.size() && file[1] != 'P') continue;  // nothing but JPEG's last marker
      CHECK_ERROR(decode(file.substr(0, length)), "(picture");
    }
  }
}

TEST_CASE("read_image says what is wrong with a file, and where") {
  CHECK_ERROR(
      decode("GIF89a"),
      "[read_image] expected a PNG or JPEG file, got 6 bytes that begin as neither (picture, "
      "offset 0)");
  std::string damaged = png_gray;
  damaged[damaged.size() - 20] = '\0';
  CHECK_ERROR(decode(damaged), "[read_image] expected an intact PNG file, got \"");
  damaged = jpeg_rgb;
  damaged[4] = '\xff';
  CHECK_ERROR(decode(damaged),
              "expected a JPEG segment that ends in the file, got one of 65296 bytes (picture, "
              "offset 4)");
  CHECK_ERROR(decode("\xff\xd8q12"), "expected a JPEG marker, ff .., got 71 (picture, offset 2)");
  CHECK_ERROR(decode("\xff\xd8"), "expected the segments of a JPEG file up to its pixels");
  CHECK_ERROR(read_image("/nowhere.png"), "[read_image] expected a readable file");
  // The Huffman codes of a colour picture are no ones of another.
  damaged = jpeg_progressive;
  for (std::size_t i = damaged.size() - 30; i < damaged.size() - 2; ++i) damaged[i] = '\x55';
  CHECK_ERROR(decode(damaged), "[read_image] expected an intact JPEG file, got \"");
}

TEST_CASE("sizes are checked against the file before memory is taken") {
  // 30000 x 30000 in the header of a small file.
  std::string bomb = png_rgb;
  bomb.replace(16, 8, std::string("\0\0\x75\x30\0\0\x75\x30", 8));
  // With the right checksum of the header, so that its size is believed.
  const auto checksum = ::crc32(0, reinterpret_cast<const Bytef*>(bomb.data() + 12), 17);
  for (std::size_t i = 0; i < 4; ++i) bomb[29 + i] = static_cast<char>(checksum >> (24 - 8 * i));
  CHECK_ERROR(decode(bomb),
              fmt::format("expected a file large enough for 30000 x 30000 pixels, got "
                          "one of only {} bytes (picture, offset 16)",
                          bomb.size()));
  std::string large = jpeg_gray;
  const std::size_t frame = large.find("\xff\xc0");
  REQUIRE(frame != std::string::npos);
  large.replace(frame + 5, 4, "\xff\xdc\xff\xdc");
  CHECK_ERROR(decode(large),
              "expected a file large enough for 65500 x 65500 pixels, got one of only 169 bytes");
  large.replace(frame + 5, 2, std::string(2, '\0'));
  CHECK_ERROR(decode(large), "and at least one pixel, got 1 of 65500 x 0");
}

TEST_CASE("what write_png writes, read_image reads as the same") {
  const TempFolder folder;
  for (const Size channels : {1, 2, 3, 4}) {
    for (const int compression_level : {0, 9}) {
      const Tensor image = arange(channels * 5 * 7).to(uint8).view({channels, 5, 7});
      write_png(folder / "picture", image, {.compression_level = compression_level});
      CHECK(pixels_of(read_image(folder / "picture")) == pixels_of(image));
    }
  }
  const Tensor gray = arange(6).to(uint8).view({2, 3});
  write_png(folder / "gray", gray);
  check_picture(read_image(folder / "gray"), {1, 2, 3}, {0, 1, 2, 3, 4, 5});
  write_png(folder / "view", gray.t());
  check_picture(read_image(folder / "view"), {1, 3, 2}, {0, 3, 1, 4, 2, 5});
  CHECK(folder.entries() == 3);

  CHECK_ERROR(
      write_png(folder / "x", zeros({3, 2, 2})),
      "[write_png] expected a picture of dtype uint8, got float32\nhelp: of values in [0, 1]");
  CHECK_ERROR(
      write_png(folder / "x", zeros({5, 2, 2}, {.dtype = uint8})),
      "[write_png] expected a picture of shape [H, W] or [1, 2, 3 or 4, H, W] with at least "
      "one pixel, got [5, 2, 2]");
  CHECK_ERROR(write_png(folder / "x", zeros({1, 0, 2}, {.dtype = uint8})), "got [1, 0, 2]");
  CHECK_ERROR(write_png(folder / "x", gray, {.compression_level = 10}),
              "expected compression_level in [0, 9], got 10");
  CHECK_ERROR(write_png("/nowhere/x", gray), "[write_png] expected to write the file");
}

TEST_CASE("what write_jpeg writes, read_image reads as nearly the same") {
  const TempFolder folder;
  const Tensor ramp = arange(64).to(uint8).view({1, 8, 8});
  for (const Size channels : {1, 3}) {
    write_jpeg(folder / "picture", ramp.expand({channels, 8, 8}), {.quality = 100});
    const Pixels pixels = pixels_of(read_image(folder / "picture"));
    REQUIRE(pixels.size() == static_cast<std::size_t>(channels * 64));
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      CHECK(std::abs(pixels[i] - static_cast<int>(i % 64)) <= 2);
    }
  }
  CHECK_ERROR(write_jpeg(folder / "x", ramp, {.quality = 0}),
              "[write_jpeg] expected quality in [1, 100], got 0");
  CHECK_ERROR(write_jpeg(folder / "x", zeros({2, 4, 4}, {.dtype = uint8})),
              "expected a picture of shape [H, W] or [1 or 3, H, W]");
  CHECK_ERROR(write_jpeg(folder / "x", zeros({1, 65501}, {.dtype = uint8})),
              "expected at most 65500 pixels a side, got [1, 65501]");
}

TEST_CASE("a library that is not installed is an error that names its package") {
  CHECK_ERROR(
      reel::detail::SharedLibrary("read_image", "libnowhere.so.1", "libnowhere1"),
      "[read_image] expected the library libnowhere.so.1, got \"libnowhere.so.1: cannot open");
  CHECK_ERROR(reel::detail::SharedLibrary("read_image", "libnowhere.so.1", "libnowhere1"),
              "\nhelp: apt-get install libnowhere1");
  const reel::detail::SharedLibrary library("read_image", "libz.so.1", "zlib1g");
  void (*function)() = nullptr;
  library.find(function, "inflate");
  CHECK((function != nullptr));
  CHECK_ERROR(library.find(function, "no_such_function"),
              "[read_image] expected libz.so.1 to have no_such_function");
}
