// read_idx over any bytes, plain and compressed: a tensor or an Error, and what was read is written
// and read again. The first byte says how the others become a file.

#include "reel/datasets/idx.h"

#include <zlib.h>

#include <cstring>
#include <optional>
#include <string>

#include "fuzz/byte_reader.h"
#include "fuzz/demand.h"
#include "fuzz/memory_file.h"
#include "reel/autograd/tensor.h"
#include "reel/base/error.h"

using namespace reel;
using reel::testing::ByteReader;
using reel::testing::LinkTo;
using reel::testing::MemoryFile;

namespace {

std::string gzip(const std::string& plain) {
  z_stream z{};
  deflateInit2(&z, 1, Z_DEFLATED, 9 + 16, 1, Z_DEFAULT_STRATEGY);  // small and quick
  std::string packed(deflateBound(&z, plain.size()) + 32, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  z.avail_in = static_cast<uInt>(plain.size());
  z.next_out = reinterpret_cast<Bytef*>(packed.data());
  z.avail_out = static_cast<uInt>(packed.size());
  DEMAND(deflate(&z, Z_FINISH) == Z_STREAM_END);
  packed.resize(z.total_out);
  deflateEnd(&z);
  return packed;
}

std::string file_of(ByteReader& input) {
  const std::size_t how = input.below(4);
  if (how == 2) {  // two members
    const std::size_t share =
        input.byte();  // on a line of its own: it is one byte less that is left
    const std::string first = input.text(share % (input.left() + 1));
    return gzip(first) + gzip(input.text(input.left()));
  }
  if (how == 3) {  // damaged where the input says
    const std::size_t at = input.byte();
    const std::uint8_t flip = input.byte();
    std::string packed = gzip(input.text(input.left()));
    packed[at % packed.size()] = static_cast<char>(packed[at % packed.size()] ^ flip);
    return packed;
  }
  const std::string content = input.text(input.left());
  return how == 1 ? gzip(content) : content;
}

std::optional<Tensor> read(const std::string& path) {
  try {
    return datasets::read_idx(path);
  } catch (const Error& error) {
    DEMAND(std::strncmp(error.what(), "[read_idx] expected ", 20) == 0);
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile in, out;
  static const LinkTo out_gz(out, "file.gz");
  ByteReader input(data, size);
  in.fill(file_of(input));
  const std::optional<Tensor> tensor = read(in.path());
  if (!tensor) return 0;
  for (const std::string& path : {out.path(), out_gz.path()}) {
    out.clear();
    datasets::write_idx(path, *tensor);
    const std::optional<Tensor> again = read(out.path());
    DEMAND(again.has_value());
    DEMAND(again->dtype() == tensor->dtype() && again->shape() == tensor->shape());
    const auto bytes = static_cast<std::size_t>(tensor->numel() * item_size(tensor->dtype()));
    DEMAND(bytes == 0 || std::memcmp(again->impl().data, tensor->impl().data, bytes) == 0);
  }
  return 0;
}
