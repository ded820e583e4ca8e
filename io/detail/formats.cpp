#include "reel/io/detail/formats.h"

#include <algorithm>
#include <filesystem>

#include "reel/base/fail.h"
#include "reel/io/detail/npy.h"
#include "reel/io/detail/npz.h"
#include "reel/io/detail/safetensors.h"
#include "reel/io/detail/torch_file.h"

namespace reel::io::detail {
namespace {

constexpr Format formats[] = {
    {".safetensors", "safetensors", read_safetensors, write_safetensors, true},
    {".npz", "NumPy archive", read_npz, write_npz},
    {".npy", "NumPy array", read_npy, write_npy},
    {".safetensors.index.json", "safetensors in several files", read_safetensors_index,
     write_safetensors_index, true},
    {".pt", "PyTorch", read_torch},
    {".pth", "PyTorch", read_torch},
};

template <class Suits>
const Format& find(const char* op, const std::string& path, const Suits& suits) {
  const std::string name = std::filesystem::path(path).filename();
  std::string known;
  for (const Format& format : formats) {
    if (!suits(format)) continue;
    if (name.ends_with(format.ending)) return format;
    known += (known.empty() ? "" : ", ") + std::string(format.ending);
  }
  fail(op, "expected a file whose name ends in one of {}, got \"{}\"", known, path);
}

}  // namespace

const Format& format_of(const char* op, const std::string& path) {
  return find(op, path, [](const Format&) { return true; });
}

const Format& writable_format_of(const char* op, const std::string& path) {
  return find(op, path, [](const Format& format) { return format.write != nullptr; });
}

}  // namespace reel::io::detail
