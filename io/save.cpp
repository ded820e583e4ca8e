#include "reel/io/save.h"

#include <filesystem>

#include "reel/base/fail.h"
#include "reel/io/detail/formats.h"

namespace reel::io {
namespace {
constexpr const char* op = "io::save";
}

void save(const StateDict& state, const std::string& path, const SaveOptions& options) {
  const detail::Format& format = detail::writable_format_of(op, path);
  for (const auto& [name, tensor] : state) {
    check(tensor.defined(), op, "expected tensors, got an undefined one as \"{}\"", name);
  }
  check(
      format.has_metadata || options.metadata.empty() || options.metadata == SaveOptions{}.metadata,
      op, "expected no metadata, which {} files do not have, got \"{}\" ({})", format.ending,
      options.metadata.empty() ? "" : options.metadata.begin()->first, path);
  format.write(op, path, state, options);
}

void save(const optim::Optimizer& optimizer, const std::string& path, const SaveOptions& options) {
  save(optimizer.state_dict(), path, options);
}

void save(const Tensor& tensor, const std::string& path, const SaveOptions& options) {
  save(StateDict{{std::filesystem::path(path).stem(), tensor}}, path, options);
}

}  // namespace reel::io
