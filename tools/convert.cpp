// reel-convert: a file of tensors in another format.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "reel/base/error.h"
#include "reel/io/inspect.h"
#include "reel/io/load.h"
#include "reel/io/save.h"

using namespace reel;

namespace {

void note(const std::string& text) { fmt::print(stderr, "reel-convert: {}\n", text); }

void convert(const std::string& from, const std::string& to,
             const std::vector<io::Rename>& renames) {
  const io::FileInfo info = io::inspect(from);
  io::SaveOptions options;
  const bool has_words = to.ends_with(".safetensors") || to.ends_with(".json");
  for (const auto& [key, value] : info.metadata) {
    if (has_words) {
      options.metadata[key] = value;
    } else {
      note(fmt::format("metadata \"{}\" stays behind", key));
    }
  }
  for (const io::TensorInfo& tensor : info.tensors) {
    if (tensor.converted) {
      note(fmt::format("{}: {} becomes {}", tensor.name, tensor.stored_as, name(tensor.dtype)));
    }
  }
  io::save(io::load_state_dict(from, renames), to, options);
}

}  // namespace

int main(int argc, char** argv) {
  std::string from, to;
  std::vector<std::pair<std::string, std::string>> renames;
  CLI::App app{
      "Writes the tensors of a file to another: .safetensors, also in several files,\n"
      "with an index .safetensors.index.json, .npz or, of one tensor, .npy.\n"
      "Types that Reel does not have become wider ones; what changes is said.",
      "reel-convert"};
  app.add_option("from", from, "Any file that reel-inspect reads")->required();
  app.add_option("to", to, "The file to write")->required();
  app.add_option("--rename", renames, "A regular expression in names, and what replaces it")
      ->type_name("PATTERN TEXT");
  CLI11_PARSE(app, argc, argv);
  try {
    std::vector<io::Rename> all;
    for (auto& [pattern, replacement] : renames) all.push_back({pattern, replacement});
    convert(from, to, all);
  } catch (const Error& error) {
    note(error.what());
    return 1;
  }
  return 0;
}
