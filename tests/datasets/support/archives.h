#pragma once

#include <fmt/format.h>
#include <zlib.h>

#include <string>
#include <vector>

namespace reel::testing {

/// A file in a tar archive.
struct TarMember {
  std::string name;
  std::string content = {};
  char type = '0';
  std::string size = {};  ///< octal digits, where it is not the content's
};

/// An archive of them (POSIX.1-1988, ustar).
inline std::string tar(const std::vector<TarMember>& members) {
  std::string archive;
  for (const TarMember& member : members) {
    std::string header(512, '\0');
    const auto put = [&](std::size_t at, const std::string& text) {
      header.replace(at, text.size(), text);
    };
    put(0, member.name);
    put(124, member.size.empty() ? fmt::format("{:011o}", member.content.size()) : member.size);
    put(148, "        ");
    put(156, std::string(1, member.type));
    put(257, std::string("ustar\0"
                         "00",
                         8));
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
    archive += header + member.content;
    archive.append((512 - member.content.size() % 512) % 512, '\0');
  }
  return archive + std::string(1024, '\0');
}

inline std::string gzip(const std::string& plain) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&z, plain.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  z.avail_in = static_cast<uInt>(plain.size());
  z.next_out = reinterpret_cast<Bytef*>(packed.data());
  z.avail_out = static_cast<uInt>(packed.size());
  deflate(&z, Z_FINISH);
  packed.resize(z.total_out);
  deflateEnd(&z);
  return packed;
}

}  // namespace reel::testing
