#include "reel/datasets/idx.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <vector>

#include "reel/autograd/detail/batched.h"
#include "reel/base/detail/byte_source.h"
#include "reel/base/detail/file.h"
#include "reel/base/fail.h"

static_assert(std::endian::native == std::endian::little, "idx elements are swapped on the way");

namespace reel::datasets {
namespace {

constexpr const char* reading = "read_idx";
constexpr const char* writing = "write_idx";

/// An element type of the format.
struct IdxType {
  std::uint8_t code;
  const char* name;
  Size bytes;
  DType dtype;  // of the tensor that holds it
};

constexpr IdxType idx_types[] = {{0x08, "uint8", 1, uint8},     {0x09, "int8", 1, int32},
                                 {0x0b, "int16", 2, int32},     {0x0c, "int32", 4, int32},
                                 {0x0d, "float32", 4, float32}, {0x0e, "float64", 8, float64}};

struct Header {
  const IdxType* type = nullptr;
  Shape shape;
};

std::uint32_t load_big_endian(const std::uint8_t* p) {
  std::uint32_t value;
  std::memcpy(&value, p, 4);
  return __builtin_bswap32(value);
}

Header read_header(reel::detail::ByteSource& source) {
  std::array<std::uint8_t, 4> magic{};
  const Size got = source.read(magic.data(), 4);
  check(got == 4, reading, "expected a magic number of 4 bytes, got {} bytes {}", got,
        source.where(0));
  check(magic[0] == 0 && magic[1] == 0, reading,
        "expected the magic number of an idx file, 00 00 <type> <rank>, got "
        "{:02x} {:02x} {:02x} {:02x} {}",
        magic[0], magic[1], magic[2], magic[3], source.where(0));

  Header header;
  for (const IdxType& type : idx_types) {
    if (type.code == magic[2]) header.type = &type;
  }
  check(header.type != nullptr, reading,
        "expected an element type of 08, 09, 0b, 0c, 0d or 0e, got {:02x} {}", magic[2],
        source.where(2));
  check(magic[3] <= Shape::max_size, reading, "expected a rank of at most {}, got {} {}",
        Shape::max_size, magic[3], source.where(3));

  std::array<std::uint8_t, 4 * Shape::max_size> counts{};
  const Size rank = magic[3];
  const Size counts_got = source.read(counts.data(), 4 * rank);
  check(counts_got == 4 * rank, reading, "expected {} counts of 4 bytes, got {} bytes {}", rank,
        counts_got, source.where(4));
  for (Size i = 0; i < rank; ++i) header.shape.push_back(load_big_endian(counts.data() + 4 * i));
  return header;
}

/// The number of elements; nothing where no tensor has as many. As for every tensor, sizes of 0 are
/// left out of the bound.
std::optional<Size> elements_of(const Shape& shape) {
  constexpr Size most = Size{1} << 48;
  Size product = 1;
  bool none = false;
  for (const Size count : shape) {
    none = none || count == 0;
    if (count > most / product) return std::nullopt;
    product *= std::max<Size>(count, 1);
  }
  return none ? 0 : product;
}

/// Bytes of the elements, after making sure that the file can hold them: nothing is allocated on
/// the word of a header alone.
Size checked_payload(const Header& header, const reel::detail::ByteSource& source) {
  const std::optional<Size> elements = elements_of(header.shape);
  check(elements.has_value(), reading, "expected at most 2^48 elements, got {} of {} {}",
        header.shape, header.type->name, source.where(4));
  const Size payload = *elements * header.type->bytes;
  const Size start = source.offset();

  if (source.compressed()) {
    // Deflate packs at most 258 bytes into 2 bits: 1032 to 1.
    check(payload / 1032 <= source.file_size(), reading,
          "expected {} bytes for {} of {}, got a gzip file of only {} bytes {}", payload,
          header.shape, header.type->name, source.file_size(), source.where(start));
  } else {
    const Size held = source.file_size() - start;
    check(held == payload, reading, "expected {} bytes for {} of {}, got {} bytes {}", payload,
          header.shape, header.type->name, held, source.where(start));
  }
  return payload;
}

template <class Narrow>
void widen_from_tail(std::int32_t* out, Size count) {
  // The file's bytes lie at the end of the buffer, so writing forward never overtakes the reading.
  const auto* in = reinterpret_cast<const std::uint8_t*>(out + count) -
                   static_cast<std::size_t>(count) * sizeof(Narrow);
  for (Size i = 0; i < count; ++i) {
    std::array<std::uint8_t, sizeof(Narrow)> bytes;
    for (std::size_t b = 0; b < bytes.size(); ++b) bytes[bytes.size() - 1 - b] = *in++;
    out[i] = std::bit_cast<Narrow>(bytes);
  }
}

void swap_in_place(std::byte* data, Size item, Size count) {
  if (item == 4) {
    for (Size i = 0; i < count; ++i) {
      std::uint32_t value;
      std::memcpy(&value, data + 4 * i, 4);
      value = __builtin_bswap32(value);
      std::memcpy(data + 4 * i, &value, 4);
    }
  } else if (item == 8) {
    for (Size i = 0; i < count; ++i) {
      std::uint64_t value;
      std::memcpy(&value, data + 8 * i, 8);
      value = __builtin_bswap64(value);
      std::memcpy(data + 8 * i, &value, 8);
    }
  }
}

bool ends_in_gz(const std::string& path) {
  return path.size() >= 3 && path.compare(path.size() - 3, 3, ".gz") == 0;
}

/// Compresses what is written into an `OutputFile`.
class GzipWriter {
 public:
  explicit GzipWriter(reel::detail::OutputFile& file) : file_(file), out_(piece) {
    constexpr int gzip = 15 + 16;  // the largest window in a gzip wrapper
    constexpr int memory = 8;      // zlib's default
    if (deflateInit2(&z_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip, memory, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~GzipWriter() { deflateEnd(&z_); }
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;

  void write(const std::byte* data, Size bytes) {
    while (bytes > 0) {
      const Size part = std::min<Size>(bytes, 1 << 30);  // zlib counts in 32 bits
      z_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data));
      z_.avail_in = static_cast<uInt>(part);
      run(Z_NO_FLUSH);
      data += part;
      bytes -= part;
    }
  }
  void finish() { run(Z_FINISH); }

 private:
  static constexpr std::size_t piece = 1 << 16;

  void run(int flush) {
    do {
      z_.next_out = out_.data();
      z_.avail_out = static_cast<uInt>(piece);
      deflate(&z_, flush);
      file_.write(out_.data(), piece - z_.avail_out);
    } while (z_.avail_out == 0);
  }

  reel::detail::OutputFile& file_;
  std::vector<Bytef> out_;
  z_stream z_{};
};

}  // namespace

Tensor read_idx(const std::string& path) {
  reel::detail::ByteSource source(reading, path);
  const Header header = read_header(source);
  const Size payload = checked_payload(header, source);
  const Size start = source.offset();

  const Tensor tensor = empty(header.shape, {.dtype = header.type->dtype});
  std::byte* const data = tensor.impl().data;
  const Size widened = tensor.numel() * item_size(tensor.dtype());
  const Size got = source.read(data + (widened - payload), payload);
  check(got == payload, reading, "expected {} bytes for {} of {}, got {} bytes {}", payload,
        header.shape, header.type->name, got, source.where(start));
  std::byte more;
  check(source.read(&more, 1) == 0, reading,
        "expected the end of the file after {} of {}, got more "
        "bytes {}",
        header.shape, header.type->name, source.where(start + payload));

  switch (header.type->code) {
    case 0x09:
      widen_from_tail<std::int8_t>(tensor.data_ptr<std::int32_t>(), tensor.numel());
      break;
    case 0x0b:
      widen_from_tail<std::int16_t>(tensor.data_ptr<std::int32_t>(), tensor.numel());
      break;
    default:
      swap_in_place(data, header.type->bytes, tensor.numel());
  }
  return tensor;
}

void write_idx(const std::string& path, const Tensor& tensor) {
  const IdxType* type = nullptr;
  for (const IdxType& candidate : idx_types) {
    if (candidate.dtype == tensor.dtype() && candidate.bytes == item_size(tensor.dtype())) {
      type = &candidate;
    }
  }
  check(type != nullptr, writing,
        "expected a dtype of uint8, int32, float32 or float64, got {}\nhelp: x.to(int32) converts",
        tensor.dtype());

  std::vector<std::byte> header = {std::byte{0}, std::byte{0}, std::byte{type->code},
                                   static_cast<std::byte>(tensor.dim())};
  for (const Size count : tensor.shape()) {
    check(count <= std::numeric_limits<std::uint32_t>::max(), writing,
          "expected dimensions below 2^32, got {}", tensor.shape());
    for (const int shift : {24, 16, 8, 0}) header.push_back(static_cast<std::byte>(count >> shift));
  }
  const Tensor swapped =
      type->bytes > 1 ? tensor.detach().contiguous().clone() : tensor.detach().contiguous();
  reel::detail::check_not_batched(writing, swapped);
  const std::byte* const data = swapped.impl().data;
  swap_in_place(swapped.impl().data, type->bytes, swapped.numel());

  reel::detail::OutputFile file(writing, path);
  const Size bytes = swapped.numel() * type->bytes;
  if (ends_in_gz(path)) {
    GzipWriter gzip(file);
    gzip.write(header.data(), static_cast<Size>(header.size()));
    gzip.write(data, bytes);
    gzip.finish();
  } else {
    file.write(header.data(), header.size());
    file.write(data, static_cast<std::size_t>(bytes));
  }
  file.commit();
}

}  // namespace reel::datasets
