// reel-inspect: what a file of tensors holds.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "reel/base/detail/sha256.h"
#include "reel/base/detail/table.h"
#include "reel/base/error.h"
#include "reel/base/terminal.h"
#include "reel/io/inspect.h"

using namespace reel;

namespace {

/// Text of a file without what a terminal would obey.
std::string harmless(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return text;
}

std::string report(const std::string& path, const io::FileInfo& info) {
  std::vector<std::array<std::string, 4>> lines{{"tensor", "type", "shape", "bytes"}};
  Size bytes = 0, elements = 0;
  for (const io::TensorInfo& tensor : info.tensors) {
    bytes += tensor.bytes;
    elements += tensor.shape.numel();
    lines.push_back({harmless(tensor.name),
                     tensor.converted ? tensor.stored_as + " as " + name(tensor.dtype)
                                      : std::string(name(tensor.dtype)),
                     to_string(tensor.shape), detail::with_commas(tensor.bytes)});
  }
  std::string text = fmt::format("{}: {}, {} tensor{} of {} elements, {}\n", path, info.format,
                                 info.tensors.size(), info.tensors.size() == 1 ? "" : "s",
                                 detail::with_commas(elements), detail::readable_bytes(bytes));
  if (!info.tensors.empty()) {
    detail::Table table(std::move(lines));
    table.fit(terminal_width(), {0, 1, 2});
    text += table.text();
  }
  for (const auto& [key, value] : info.metadata) {
    text += fmt::format("{}: {}\n", harmless(key), harmless(value));
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  std::string path;
  bool checksum = true;
  CLI::App app{
      "Lists the tensors of a file: .safetensors, .safetensors.index.json, .pt, .pth, .npy, .npz.",
      "reel-inspect"};
  app.add_option("file", path, "The file")->required();
  app.add_flag("!--no-checksum", checksum, "Leave out the SHA-256, for which all is read");
  CLI11_PARSE(app, argc, argv);
  try {
    fmt::print("{}", report(path, io::inspect(path)));
    if (checksum) fmt::print("SHA-256: {}\n", detail::sha256_of_file("reel-inspect", path));
  } catch (const Error& error) {
    fmt::print(stderr, "reel-inspect: {}\n", error.what());
    return 1;
  }
  return 0;
}
