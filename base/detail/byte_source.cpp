#include "reel/base/detail/byte_source.h"

#include <zlib.h>

#include <algorithm>
#include <new>

#include "reel/base/detail/file.h"
#include "reel/base/fail.h"

namespace reel::detail {
namespace {
constexpr std::size_t piece = 1 << 17;
constexpr int gzip_only = 15 + 16;  // zlib's code for the largest window in a gzip wrapper
constexpr Bytef gzip_magic[] = {0x1f, 0x8b};
}  // namespace

struct ByteSource::State {
  State(const char* name, const std::string& path)
      : op(name), file(name, path), in(std::make_unique_for_overwrite<Bytef[]>(piece)) {
    refill();
    compressed = z.avail_in >= 2 && std::equal(gzip_magic, gzip_magic + 2, z.next_in);
    if (compressed && inflateInit2(&z, gzip_only) != Z_OK) throw std::bad_alloc();
  }
  ~State() {
    if (compressed) inflateEnd(&z);
  }

  Size compressed_offset() const { return read_from_file - static_cast<Size>(z.avail_in); }

  bool refill() {
    const std::size_t got = file.read(in.get(), piece);
    z.next_in = in.get();
    z.avail_in = static_cast<uInt>(got);
    read_from_file += static_cast<Size>(got);
    return got > 0;
  }

  Size copy(Bytef* out, Size bytes) {
    const Size held = std::min(bytes, static_cast<Size>(z.avail_in));
    std::copy_n(z.next_in, held, out);
    z.next_in += held;
    z.avail_in -= static_cast<uInt>(held);
    const std::size_t got = file.read(out + held, static_cast<std::size_t>(bytes - held));
    read_from_file += static_cast<Size>(got);
    return held + static_cast<Size>(got);
  }

  Size decompress(Bytef* out, Size bytes) {
    Size done = 0;
    while (done < bytes && !ended) {
      check(
          z.avail_in > 0 || refill(), op,
          "expected more gzip data, got the end of the file ({}, offset {}, after {} decompressed "
          "bytes)",
          file.path(), compressed_offset(), offset + done);
      z.next_out = out + done;
      z.avail_out = static_cast<uInt>(std::min<Size>(bytes - done, 1 << 30));
      const uInt room = z.avail_out;
      const int status = inflate(&z, Z_NO_FLUSH);
      done += static_cast<Size>(room - z.avail_out);
      if (status == Z_STREAM_END) {
        end_of_member();
      } else {
        check(status == Z_OK || status == Z_BUF_ERROR, op,
              "expected intact gzip data, got \"{}\" ({}, offset {}, after {} decompressed bytes)",
              z.msg != nullptr ? z.msg : "a preset dictionary", file.path(), compressed_offset(),
              offset + done);
      }
    }
    return done;
  }

  // A gzip file may consist of several members, one after another (RFC 1952, section 2.2).
  void end_of_member() {
    if (z.avail_in == 0 && !refill()) {
      ended = true;
      return;
    }
    check(*z.next_in == gzip_magic[0], op,
          "expected the end of the file after the gzip data, got {} more bytes ({}, offset {})",
          file.size() - compressed_offset(), file.path(), compressed_offset());
    inflateReset(&z);
  }

  const char* op;
  reel::detail::InputFile file;
  std::unique_ptr<Bytef[]> in;
  z_stream z{};
  Size read_from_file = 0;
  Size offset = 0;
  bool compressed = false;
  bool ended = false;
};

ByteSource::ByteSource(const char* op, const std::string& path)
    : state_(std::make_unique<State>(op, path)) {}
ByteSource::~ByteSource() = default;

Size ByteSource::file_size() const { return state_->file.size(); }
bool ByteSource::compressed() const { return state_->compressed; }
Size ByteSource::offset() const { return state_->offset; }

Size ByteSource::read(void* buffer, Size bytes) {
  auto* out = static_cast<Bytef*>(buffer);
  const Size got = state_->compressed ? state_->decompress(out, bytes) : state_->copy(out, bytes);
  state_->offset += got;
  return got;
}

std::string ByteSource::where(Size offset) const {
  return fmt::format("({}, {} {})", state_->file.path(),
                     state_->compressed ? "decompressed offset" : "offset", offset);
}

}  // namespace reel::detail
