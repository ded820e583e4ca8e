#include "reel/io/detail/zip_writer.h"

#include <zlib.h>

#include "reel/base/fail.h"

namespace reel::io::detail {
namespace {

/// Little-endian fields, one after another.
class Record {
 public:
  Record& u16(std::uint64_t value) { return put(value, 2); }
  Record& u32(std::uint64_t value) { return put(value, 4); }
  Record& u64(std::uint64_t value) { return put(value, 8); }
  Record& text(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Record& put(std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) bytes_ += static_cast<char>(value >> (8 * i));
    return *this;
  }

  std::string bytes_;
};

// Every archive is written in the form for large ones, zip64, so that there is one form: the fields
// of the old one say "see there".
constexpr std::uint64_t see_u16 = 0xffff, see_u32 = 0xffffffff;
constexpr std::uint64_t version = 45, utf8_names = 1 << 11, stored = 0;
constexpr std::uint64_t time = 0, date = 0x21;  // 1980-01-01: the same content is the same file

}  // namespace

void ZipWriter::add(const std::string& name, std::string_view head, const void* data,
                    std::size_t bytes) {
  check(name.size() < see_u16, op_, "expected names of less than {} bytes, got {}", see_u16,
        name.size());
  uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(head.data()), head.size());
  if (bytes > 0) crc = crc32_z(crc, static_cast<const Bytef*>(data), bytes);
  const Entry& entry = entries_.emplace_back(
      Entry{name, static_cast<std::uint32_t>(crc), head.size() + bytes, written_});
  Record local;
  local.u32(0x04034b50).u16(version).u16(utf8_names).u16(stored).u16(time).u16(date);
  local.u32(entry.crc).u32(see_u32).u32(see_u32).u16(name.size()).u16(20).text(name);
  local.u16(1).u16(16).u64(entry.bytes).u64(entry.bytes);  // zip64: both sizes
  write(local.bytes().data(), local.bytes().size());
  write(head.data(), head.size());
  write(data, bytes);
}

void ZipWriter::finish() {
  const std::uint64_t directory = written_;
  for (const Entry& entry : entries_) {
    Record central;
    central.u32(0x02014b50).u16(version).u16(version).u16(utf8_names).u16(stored);
    central.u16(time).u16(date).u32(entry.crc).u32(see_u32).u32(see_u32);
    central.u16(entry.name.size()).u16(28);  // the name and what follows it
    central.u16(0).u16(0).u16(0).u32(0);     // no comment, first disk, no attributes
    central.u32(see_u32).text(entry.name);
    central.u16(1).u16(24).u64(entry.bytes).u64(entry.bytes).u64(entry.offset);
    write(central.bytes().data(), central.bytes().size());
  }
  const std::uint64_t end = written_, count = entries_.size();
  Record record;
  record.u32(0x06064b50).u64(44).u16(version).u16(version).u32(0).u32(0);
  record.u64(count).u64(count).u64(end - directory).u64(directory);
  record.u32(0x07064b50).u32(0).u64(end).u32(1);  // where that record is
  record.u32(0x06054b50).u16(0).u16(0).u16(see_u16).u16(see_u16).u32(see_u32).u32(see_u32).u16(0);
  write(record.bytes().data(), record.bytes().size());
}

void ZipWriter::write(const void* data, std::size_t bytes) {
  file_.write(data, bytes);
  written_ += bytes;
}

}  // namespace reel::io::detail
