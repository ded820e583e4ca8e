#include "reel/datasets/detail/tar.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "reel/base/fail.h"

namespace reel::datasets::detail {
namespace {

constexpr Size block = 512;
using Block = std::array<char, block>;

std::string_view field(const Block& header, std::size_t begin, std::size_t size) {
  const std::string_view whole(header.data() + begin, size);
  return whole.substr(0, whole.find('\0'));
}

/// Octal digits after spaces; -1 where there are others.
Size octal(std::string_view digits) {
  while (!digits.empty() && digits.front() == ' ') digits.remove_prefix(1);
  Size value = 0;
  for (const char digit : digits) {
    if (digit == ' ') break;
    if (digit < '0' || digit > '7') return -1;
    value = value * 8 + (digit - '0');
  }
  return value;
}

/// The sum of the header's bytes, those of the sum itself counted as spaces.
Size sum_of(const Block& header) {
  Size sum = 0;
  for (std::size_t i = 0; i < header.size(); ++i) {
    sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(header[i]);
  }
  return sum;
}

}  // namespace

bool TarReader::next() {
  for (;;) {
    skip(unread_);
    unread_ = 0;
    const Size at = source_.offset();
    Block header{};
    const Size got = source_.read(header.data(), block);
    check(got == block, op_, "expected a tar header of 512 bytes, got {} {}", got,
          source_.where(at));
    const bool empty = std::all_of(header.begin(), header.end(), [](char c) { return c == '\0'; });
    if (empty) return false;
    check(octal(field(header, 148, 8)) == sum_of(header), op_,
          "expected a tar header whose checksum holds, got another {}", source_.where(at));
    size_ = octal(field(header, 124, 12));
    const Size most = source_.file_size() * (source_.compressed() ? 1032 : 1);
    check(size_ >= 0 && size_ <= most, op_,
          "expected a size that the archive can hold, got \"{}\" {}", field(header, 124, 12),
          source_.where(at + 124));
    unread_ = padded(size_);
    const char type = header[156];
    if (type != '0' && type != '\0') continue;  // folders, links, remarks
    const std::string_view prefix = field(header, 345, 155);
    name_ = std::string(prefix) + (prefix.empty() ? "" : "/") + std::string(field(header, 0, 100));
    return true;
  }
}

std::string TarReader::content() {
  // Memory grows with what comes, not with what the header says.
  constexpr Size piece = 1 << 20;
  const Size at = source_.offset();
  std::string bytes;
  for (Size left = size_; left > 0;) {
    const Size wanted = std::min(left, piece);
    const std::size_t before = bytes.size();
    bytes.resize(before + static_cast<std::size_t>(wanted));
    const Size got = source_.read(bytes.data() + before, wanted);
    check(got == wanted, op_, "expected {} bytes of {}, got {} {}", size_, name_,
          static_cast<Size>(before) + got, source_.where(at));
    left -= wanted;
  }
  unread_ -= size_;
  return bytes;
}

void TarReader::skip(Size bytes) {
  std::array<char, 16 * block> unused;
  while (bytes > 0) {
    const Size wanted = std::min<Size>(bytes, unused.size());
    const Size at = source_.offset();
    const Size got = source_.read(unused.data(), wanted);
    check(got == wanted, op_, "expected {} more bytes of {}, got {} {}", wanted, name_, got,
          source_.where(at));
    bytes -= got;
  }
}

}  // namespace reel::datasets::detail
