#include <turbojpeg.h>

#include <cstring>
#include <memory>
#include <new>
#include <optional>

#include "reel/base/detail/shared_library.h"
#include "reel/base/fail.h"
#include "reel/datasets/detail/image_file.h"
#include "reel/ops/create/create.h"

namespace reel::datasets::detail {
namespace {

/// The functions of libturbojpeg that are used here.
struct TurboJpeg {
  decltype(&::tjInitDecompress) init_decompress = nullptr;
  decltype(&::tjInitCompress) init_compress = nullptr;
  decltype(&::tjDestroy) destroy = nullptr;
  decltype(&::tjDecompress2) decompress = nullptr;
  decltype(&::tjCompress2) compress = nullptr;
  decltype(&::tjGetErrorStr2) error_text = nullptr;
  decltype(&::tjGetErrorCode) error_code = nullptr;
  decltype(&::tjFree) free = nullptr;

  /// Loaded by the first call, which `op` names where that fails.
  static const TurboJpeg& get(const char* op) {
    static const TurboJpeg jpeg(op);
    return jpeg;
  }

 private:
  explicit TurboJpeg(const char* op) {
    const reel::detail::SharedLibrary library(op, "libturbojpeg.so.0", "libturbojpeg0");
    library.find(init_decompress, "tjInitDecompress");
    library.find(init_compress, "tjInitCompress");
    library.find(destroy, "tjDestroy");
    library.find(decompress, "tjDecompress2");
    library.find(compress, "tjCompress2");
    library.find(error_text, "tjGetErrorStr2");
    library.find(error_code, "tjGetErrorCode");
    library.find(free, "tjFree");
  }
};

auto owned(const TurboJpeg& jpeg, tjhandle handle) {
  if (handle == nullptr) throw std::bad_alloc();
  return std::unique_ptr<void, decltype(TurboJpeg::destroy)>(handle, jpeg.destroy);
}

/// What the segments before the pixels say.
struct Header {
  Size height = 0, width = 0, components = 0;
  bool inverted = false;  // CMYK as Adobe's programs store it: 255 is no ink
  int orientation = 1;
};

std::uint32_t byte_at(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<std::uint32_t>(bytes[at]);
}
std::uint32_t word_at(std::span<const std::byte> bytes, std::size_t at) {
  return byte_at(bytes, at) << 8 | byte_at(bytes, at + 1);
}

bool begins_with(std::span<const std::byte> bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

/// Whether a marker begins a frame, which says the size: SOF0 to SOF15 but for DHT, JPG and DAC.
bool begins_frame(std::uint32_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

Header read_header(const char* op, const ImageFile& file) {
  constexpr std::uint32_t start_of_scan = 0xda, app1 = 0xe1, app14 = 0xee;
  const std::span<const std::byte> bytes = file.bytes;
  Header header;
  std::size_t at = 2;
  for (;;) {
    // A marker is ff and its code; more ff may stand before it.
    const std::size_t begin = at;
    while (at < bytes.size() && byte_at(bytes, at) == 0xff) ++at;
    check(at + 3 <= bytes.size(), op,
          "expected the segments of a JPEG file up to its pixels, got the end of the file ({}, "
          "offset {})",
          file.name, bytes.size());
    check(at > begin, op, "expected a JPEG marker, ff .., got {:02x} ({}, offset {})",
          byte_at(bytes, at), file.name, at);
    const std::uint32_t marker = byte_at(bytes, at);
    const std::size_t size = word_at(bytes, at + 1);
    check(size >= 2 && at + 1 + size <= bytes.size(), op,
          "expected a JPEG segment that ends in the file, got one of {} bytes ({}, offset {})",
          size, file.name, at + 1);
    const auto content = bytes.subspan(at + 3, size - 2);
    if (marker == start_of_scan) break;
    if (begins_frame(marker)) {
      check(content.size() >= 6, op, "expected a JPEG frame of 6 bytes, got {} ({}, offset {})",
            content.size(), file.name, at + 3);
      header.height = word_at(content, 1);
      header.width = word_at(content, 3);
      header.components = byte_at(content, 5);
    } else if (marker == app1 && begins_with(content, std::string_view("Exif\0\0", 6))) {
      header.orientation = exif_orientation(content.subspan(6));
    } else if (marker == app14 && begins_with(content, "Adobe")) {
      header.inverted = true;
    }
    at += 1 + size;
  }
  check(header.height > 0 && header.width > 0 &&
            (header.components == 1 || header.components == 3 || header.components == 4),
        op,
        "expected a JPEG frame of 1, 3 or 4 components and at least one pixel, got {} of {} x {} "
        "({})",
        header.components, header.width, header.height, file.name);
  return header;
}

/// What is left of each colour under the inks: `[H, W, 4]` to `[H, W, 3]`.
Tensor rgb_of_cmyk(const Tensor& cmyk, bool inverted) {
  const Tensor rgb = empty({cmyk.size(0), cmyk.size(1), 3}, {.dtype = uint8});
  const auto* from = cmyk.data_ptr<std::uint8_t>();
  auto* to = rgb.data_ptr<std::uint8_t>();
  const unsigned flip = inverted ? 0 : 255;
  for (Size i = 0; i < cmyk.size(0) * cmyk.size(1); ++i, from += 4) {
    for (int c = 0; c < 3; ++c) {
      const unsigned product = (from[c] ^ flip) * (from[3] ^ flip);
      *to++ = static_cast<std::uint8_t>((product + 127) / 255);
    }
  }
  return rgb;
}

}  // namespace

bool is_jpeg(std::span<const std::byte> file) { return begins_with(file, "\xff\xd8"); }

DecodedImage decode_jpeg(const char* op, const ImageFile& file, bool gray) {
  const TurboJpeg& jpeg = TurboJpeg::get(op);
  const Header header = read_header(op, file);
  const auto held = static_cast<Size>(file.bytes.size());
  // A block of 8x8 takes at least a bit, and of the largest component a picture of P pixels has at
  // least P / 128 blocks: sampling factors may be 4x1 of one and 1x4 of another.
  constexpr Size most_pixels_a_byte = 1024;
  check(header.height * header.width / most_pixels_a_byte <= held, op,
        "expected a file large enough for {} x {} pixels, got one of only {} bytes ({})",
        header.width, header.height, held, file.name);

  const bool cmyk = header.components == 4;
  const bool one_channel = header.components == 1 || (gray && !cmyk);
  const Size channels = cmyk ? 4 : one_channel ? 1 : 3;
  const int format = cmyk ? TJPF_CMYK : one_channel ? TJPF_GRAY : TJPF_RGB;
  DecodedImage image{empty({header.height, header.width, channels}, {.dtype = uint8}),
                     header.orientation};
  const auto decoder = owned(jpeg, jpeg.init_decompress());
  const int status = jpeg.decompress(
      decoder.get(), reinterpret_cast<const unsigned char*>(file.bytes.data()), file.bytes.size(),
      image.pixels.data_ptr<std::uint8_t>(), static_cast<int>(header.width), 0,
      static_cast<int>(header.height), format, TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS);
  if (status != 0) {
    const std::string_view text = jpeg.error_text(decoder.get());
    // Bytes between segments, as many cameras leave them, do no harm; other warnings mean pixels
    // that were made up.
    const bool harmless = jpeg.error_code(decoder.get()) == TJERR_WARNING &&
                          text.find("extraneous bytes") != std::string_view::npos;
    check(harmless, op, "expected an intact JPEG file, got \"{}\" ({})", text, file.name);
  }
  if (cmyk) image.pixels = rgb_of_cmyk(image.pixels, header.inverted);
  return image;
}

std::vector<std::byte> encode_jpeg(const char* op, const Tensor& pixels, int quality) {
  const TurboJpeg& jpeg = TurboJpeg::get(op);
  const bool gray = pixels.size(2) == 1;
  const auto encoder = owned(jpeg, jpeg.init_compress());
  unsigned char* file = nullptr;
  unsigned long size = 0;
  const int status = jpeg.compress(
      encoder.get(), pixels.data_ptr<std::uint8_t>(), static_cast<int>(pixels.size(1)), 0,
      static_cast<int>(pixels.size(0)), gray ? TJPF_GRAY : TJPF_RGB, &file, &size,
      gray ? TJSAMP_GRAY : TJSAMP_420, quality, TJFLAG_ACCURATEDCT);
  const std::unique_ptr<unsigned char, decltype(TurboJpeg::free)> freed(file, jpeg.free);
  check(status == 0, op, "expected a picture that libturbojpeg writes, got \"{}\"",
        jpeg.error_text(encoder.get()));
  const auto* bytes = reinterpret_cast<const std::byte*>(file);
  return {bytes, bytes + size};
}

}  // namespace reel::datasets::detail
