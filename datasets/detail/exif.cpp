#include "reel/datasets/detail/image_file.h"

namespace reel::datasets::detail {
namespace {

/// TIFF's numbers, which have the byte order that the file says; 0 beyond its end.
class TiffReader {
 public:
  explicit TiffReader(std::span<const std::byte> bytes) : bytes_(bytes) {
    little_ = byte(0) == 'I' && byte(1) == 'I';
    valid_ = (little_ || (byte(0) == 'M' && byte(1) == 'M')) && number(2, 2) == 42;
  }

  bool valid() const { return valid_; }

  std::uint32_t number(std::size_t at, std::size_t size) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value = value << 8 | byte(at + (little_ ? size - 1 - i : i));
    }
    return value;
  }

 private:
  std::uint32_t byte(std::size_t at) const {
    return at < bytes_.size() ? std::to_integer<std::uint32_t>(bytes_[at]) : 0;
  }

  std::span<const std::byte> bytes_;
  bool little_ = false, valid_ = false;
};

}  // namespace

int exif_orientation(std::span<const std::byte> exif) {
  constexpr std::uint32_t orientation_tag = 0x0112, short_type = 3;
  constexpr std::size_t entry_size = 12;
  const TiffReader tiff(exif);
  if (!tiff.valid()) return 1;
  const std::size_t directory = tiff.number(4, 4);
  const std::size_t entries = tiff.number(directory, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * entry_size;
    if (tiff.number(entry, 2) != orientation_tag) continue;
    const std::uint32_t value = tiff.number(entry + 8, 2);
    const bool valid = tiff.number(entry + 2, 2) == short_type && value >= 1 && value <= 8;
    return valid ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace reel::datasets::detail
