#pragma once

// Internal: the JSON of safetensors files, apart from the elements.
// Format: https://github.com/huggingface/safetensors#format

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reel/io/detail/stored_type.h"
#include "reel/io/tensor_info.h"

namespace reel::io::detail {

/// A tensor of a safetensors file. Its elements lie from `begin` to `end` behind the header.
struct SafetensorsEntry {
  std::string name = {};
  const StoredType* type = nullptr;
  Shape shape = {};
  Size begin = 0;
  Size end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries = {};
  Metadata metadata = {};
};

/// Reads the header of a file that has `data_bytes` bytes behind it. Throws, naming `path`, unless
/// it is JSON of the format and its tensors cover those bytes without a hole, each byte once.
SafetensorsHeader parse_safetensors_header(const char* op, std::string_view json, Size data_bytes,
                                           const std::string& path);

/// The JSON of a header, without padding. Throws for names that are no UTF-8.
std::string to_json(const char* op, const SafetensorsHeader& header);

/// What `model.safetensors.index.json` says: which file beside it holds which tensor, and its
/// metadata as text.
struct SafetensorsIndex {
  std::map<std::string, std::string> file_of = {};
  Metadata metadata = {};

  /// Each file once.
  std::set<std::string> files() const;
};

std::string to_json(const char* op, const SafetensorsIndex& index, Size total_bytes);

/// Throws, naming `path`, unless it is JSON of the format and all files lie beside it.
SafetensorsIndex parse_safetensors_index(const char* op, std::string_view json,
                                         const std::string& path);

}  // namespace reel::io::detail
