#include "reel/io/inspect.h"

#include "reel/io/detail/formats.h"

namespace reel::io {

FileInfo inspect(const std::string& path) {
  constexpr const char* op = "io::inspect";
  const detail::Format& format = detail::format_of(op, path);
  const std::unique_ptr<detail::Reader> reader = format.read(op, path);
  return {format.name, reader->tensors(), reader->metadata()};
}

}  // namespace reel::io
