#include "reel/io/tensor_file.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "reel/autograd/from_blob.h"
#include "reel/base/fail.h"
#include "reel/io/detail/safetensors.h"

namespace reel::io {
namespace {
constexpr const char* op = "TensorFile";
}

struct TensorFile::State {
  std::string path;
  detail::Safetensors files;
  std::unordered_map<const reel::detail::InputFile*,
                     std::shared_ptr<const reel::detail::MappedFile>>
      mapped;
  std::unordered_map<std::string_view, std::size_t> index_of;
};

TensorFile::TensorFile(const std::string& path) {
  check(path.ends_with(".safetensors") || path.ends_with(".safetensors.index.json"), op,
        "expected a .safetensors or .safetensors.index.json file, got \"{}\"\n"
        "help: io::load_state_dict(path) reads the other formats",
        path);
  auto state = std::make_shared<State>();
  state->path = path;
  state->files = path.ends_with(".json") ? detail::open_safetensors_index(op, path)
                                         : detail::open_safetensors(op, path);
  for (const auto& file : state->files.files) {
    state->mapped[file.get()] = std::make_shared<const reel::detail::MappedFile>(*file);
  }
  for (std::size_t i = 0; i < state->files.tensors.size(); ++i) {
    state->index_of.emplace(state->files.tensors[i].name, i);
  }
  state_ = std::move(state);
}

const std::vector<TensorInfo>& TensorFile::tensors() const { return state_->files.tensors; }
const Metadata& TensorFile::metadata() const { return state_->files.metadata; }
bool TensorFile::contains(std::string_view name) const { return state_->index_of.contains(name); }

Tensor TensorFile::operator[](std::string_view name) const {
  const auto found = state_->index_of.find(name);
  if (found == state_->index_of.end()) {
    constexpr std::size_t shown = 8;
    std::string names;
    for (std::size_t i = 0; i < std::min(tensors().size(), shown); ++i) {
      names += tensors()[i].name + ", ";
    }
    fail(op, "expected one of {} tensors, {}{}got \"{}\" ({})", tensors().size(), names,
         tensors().size() > shown ? "..., " : "", name, state_->path);
  }
  const TensorInfo& tensor = tensors()[found->second];
  const auto& [file, offset, type] = state_->files.places[found->second];
  const auto& mapped = state_->mapped.at(file);
  std::byte* const data = mapped->data() + offset;
  if (type->convert == nullptr &&
      reinterpret_cast<std::uintptr_t>(data) % static_cast<std::size_t>(type->bytes) == 0) {
    return from_blob(static_cast<void*>(data), tensor.shape, [mapped](void*) {},
                     {.dtype = type->dtype});
  }
  const auto copy = [data](Size from, std::byte* to, Size bytes) {
    std::memcpy(to, data + from, static_cast<std::size_t>(bytes));
  };
  return detail::filled(
      op, *type, tensor.shape, copy,
      fmt::format("of tensor \"{}\" ({}, offset {})", name, file->path(), offset));
}

}  // namespace reel::io
