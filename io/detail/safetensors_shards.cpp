#include <filesystem>
#include <utility>

#include "reel/base/fail.h"
#include "reel/io/detail/safetensors.h"
#include "reel/io/detail/safetensors_header.h"

namespace reel::io::detail {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view ending = ".safetensors.index.json";

/// The tensors of each file.
std::vector<StateDict> split(const StateDict& state, Size most) {
  std::vector<StateDict> shards(1);
  Size held = 0;
  for (const auto& [name, tensor] : state) {
    const Size bytes = tensor.numel() * item_size(tensor.dtype());
    if (held + bytes > most && !shards.back().empty()) {
      shards.emplace_back();
      held = 0;
    }
    shards.back()[name] = tensor;
    held += bytes;
  }
  return shards;
}

/// Names of which no file has one: files under the old names belong to an index that stands until
/// the new one takes its place.
std::vector<std::string> free_names(const fs::path& folder, const std::string& model,
                                    std::size_t count) {
  for (int version = 1;; ++version) {
    std::vector<std::string> names;
    bool taken = false;
    for (std::size_t i = 1; i <= count; ++i) {
      names.push_back(fmt::format("{}-{}{:05}-of-{:05}.safetensors", model,
                                  version == 1 ? "" : fmt::format("v{}-", version), i, count));
      taken = taken || fs::exists(folder / names.back());
    }
    if (!taken) return names;
  }
}

/// Files that go at the end of the scope.
class Removal {
 public:
  ~Removal() {
    std::error_code ignored;
    for (const fs::path& path : paths) fs::remove(path, ignored);
  }
  std::vector<fs::path> paths;
};

/// The files that the index in the way names; none where it is not one.
std::vector<fs::path> files_of_old_index(const char* op, const fs::path& path) {
  std::vector<fs::path> files;
  if (!reel::detail::is_file(path)) return files;
  try {
    const Safetensors old = open_safetensors_index(op, path);
    for (const auto& file : old.files) files.push_back(file->path());
  } catch (const Error&) {
    // It is replaced; what it meant to name stays.
  }
  return files;
}

}  // namespace

void write_safetensors_index(const char* op, const std::string& path, const StateDict& state,
                             const SaveOptions& options) {
  check(options.max_shard_bytes > 0, op, "expected max_shard_bytes above 0, got {}",
        options.max_shard_bytes);
  const std::vector<StateDict> shards = split(state, options.max_shard_bytes);
  const fs::path folder = fs::path(path).parent_path();
  std::string model = fs::path(path).filename();
  model.resize(model.size() - ending.size());
  const std::vector<std::string> names = free_names(folder, model, shards.size());

  Removal removal;  // of the new files, unless all is well
  SafetensorsIndex index{.metadata = options.metadata};
  Size total = 0;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    removal.paths.push_back(folder / names[i]);
    write_safetensors(op, folder / names[i], shards[i], options);
    for (const auto& [name, tensor] : shards[i]) {
      index.file_of[name] = names[i];
      total += tensor.numel() * item_size(tensor.dtype());
    }
  }
  std::vector<fs::path> old = files_of_old_index(op, path);
  const std::string text = to_json(op, index, total);
  reel::detail::OutputFile file(op, path);
  file.write(text.data(), text.size());
  file.commit();
  removal.paths = std::move(old);
}

}  // namespace reel::io::detail
