#pragma once

// Internal: files of tensors in the format safetensors.

#include <memory>
#include <string>
#include <vector>

#include "reel/autograd/state_dict.h"
#include "reel/base/detail/file.h"
#include "reel/io/detail/reader.h"
#include "reel/io/save_options.h"

namespace reel::io::detail {

/// Where the elements of a tensor lie.
struct StoredTensor {
  const reel::detail::InputFile* file;
  Size offset;
  const StoredType* type;
};

/// A safetensors file, or all files of an index as one, opened and checked: `places[i]` is where
/// `tensors[i]` lies.
struct Safetensors {
  std::vector<std::unique_ptr<const reel::detail::InputFile>> files = {};
  std::vector<TensorInfo> tensors = {};
  std::vector<StoredTensor> places = {};
  Metadata metadata = {};
};

Safetensors open_safetensors(const char* op, const std::string& path);
/// The same for `model.safetensors.index.json` and the files beside it that it names.
Safetensors open_safetensors_index(const char* op, const std::string& path);

std::unique_ptr<Reader> read_safetensors(const char* op, const std::string& path);
std::unique_ptr<Reader> read_safetensors_index(const char* op, const std::string& path);

void write_safetensors(const char* op, const std::string& path, const StateDict& state,
                       const SaveOptions& options);
/// Several files and, once they are there, the index in the place of an old one.
void write_safetensors_index(const char* op, const std::string& path, const StateDict& state,
                             const SaveOptions& options);

}  // namespace reel::io::detail
