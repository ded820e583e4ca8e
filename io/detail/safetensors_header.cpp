#include "reel/io/detail/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>
#include <utility>

#include "reel/base/fail.h"

namespace reel::io::detail {
namespace {

using nlohmann::json;

constexpr const char* metadata_key = "__metadata__";
constexpr Size json_begin = 8;  // behind the header's length

/// Takes the values of a header as the parser meets them, and stops it at the first that does not
/// belong: a header costs no more memory than what is kept of it, however deep it is nested.
class HeaderHandler final : public nlohmann::json_sax<json> {
 public:
  SafetensorsHeader header;
  std::string fault;  // why the parser was stopped

  bool start_object(std::size_t) override {
    if (at_ == At::begin) return enter(At::tensors);
    if (at_ == At::tensors && key_ == metadata_key) return enter(At::metadata);
    if (at_ != At::tensors) return unexpected("an object");
    found_ = {};
    header.entries.push_back({.name = key_});
    return enter(At::tensor);
  }
  bool end_object() override {
    if (at_ == At::tensors) return enter(At::end);
    if (at_ == At::tensor && !(found_.dtype && found_.shape && found_.offsets)) {
      return stop(fmt::format(
          "expected dtype, shape and data_offsets of tensor \"{}\", got no {}", entry().name,
          !found_.dtype ? "dtype" : (!found_.shape ? "shape" : "data_offsets")));
    }
    return enter(At::tensors);
  }
  bool key(std::string& key) override {
    key_ = key;
    if (at_ != At::tensors || names_.insert(key).second) return true;
    return stop(fmt::format("expected each name once, got \"{}\" twice", key));
  }
  bool string(std::string& value) override {
    if (at_ == At::metadata) {
      header.metadata[key_] = value;
      return true;
    }
    if (at_ != At::tensor || key_ != "dtype") return unexpected('"' + value + '"');
    found_.dtype = true;
    entry().type = find_stored_type(value);
    if (entry().type != nullptr) return true;
    return stop(fmt::format("expected a dtype of {}, got \"{}\" for tensor \"{}\"",
                            stored_type_names(), value, entry().name));
  }
  bool start_array(std::size_t) override {
    if (at_ != At::tensor || (key_ != "shape" && key_ != "data_offsets")) {
      return unexpected("a list");
    }
    offsets_ = 0;
    entry().shape = key_ == "shape" ? Shape() : entry().shape;
    return enter(key_ == "shape" ? At::shape : At::offsets);
  }
  bool end_array() override {
    if (at_ == At::shape) {
      found_.shape = true;
    } else {
      found_.offsets = true;
      if (offsets_ != 2) {
        return stop(fmt::format("expected two data_offsets of tensor \"{}\", got {}", entry().name,
                                offsets_));
      }
    }
    return enter(At::tensor);
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (at_ != At::shape && at_ != At::offsets) return unexpected(std::to_string(value));
    if (value > std::uint64_t{std::numeric_limits<Size>::max()}) {
      return unexpected(std::to_string(value));
    }
    const Size number = static_cast<Size>(value);
    if (at_ == At::shape) {
      if (entry().shape.size() == Shape::max_size) {
        return stop(fmt::format("expected at most {} dimensions, got more for tensor \"{}\"",
                                Shape::max_size, entry().name));
      }
      entry().shape.push_back(number);
    } else {
      (offsets_++ == 0 ? entry().begin : entry().end) = number;
    }
    return true;
  }
  bool number_integer(number_integer_t value) override { return unexpected(std::to_string(value)); }
  bool number_float(number_float_t, const std::string& text) override { return unexpected(text); }
  bool boolean(bool value) override { return unexpected(value ? "true" : "false"); }
  bool null() override {
    return (at_ == At::tensors && key_ == metadata_key) || unexpected("null");
  }
  bool binary(json::binary_t&) override { return unexpected("bytes"); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ..."
    const std::string_view text = error.what();
    const std::size_t reason = text.find(": ");
    syntax_error_ = position;
    fault = fmt::format("expected a header in JSON, got \"{}\"",
                        reason == text.npos ? text : text.substr(reason + 2));
    return false;
  }

  /// Where the JSON ends to be JSON.
  std::optional<std::size_t> syntax_error() const { return syntax_error_; }

 private:
  enum class At { begin, tensors, metadata, tensor, shape, offsets, end };
  struct Found {
    bool dtype = false, shape = false, offsets = false;
  };

  SafetensorsEntry& entry() { return header.entries.back(); }

  bool enter(At at) {
    at_ = at;
    return true;
  }
  bool stop(std::string why) {
    fault = std::move(why);
    return false;
  }
  bool unexpected(const std::string& got) {
    switch (at_) {
      case At::metadata:
        return stop(fmt::format("expected words as metadata \"{}\", got {}", key_, got));
      case At::tensor:
        return stop(
            fmt::format("expected dtype, shape and data_offsets of tensor \"{}\", got "
                        "\"{}\": {}",
                        entry().name, key_, got));
      case At::shape:
      case At::offsets:
        return stop(fmt::format("expected whole numbers below 2^63 as {} of tensor \"{}\", got {}",
                                key_, entry().name, got));
      default:
        return stop(fmt::format("expected a header of tensors, got {}{}", got,
                                at_ == At::tensors ? " as \"" + key_ + '"' : ""));
    }
  }

  At at_ = At::begin;
  std::string key_;
  Found found_;
  int offsets_ = 0;
  std::unordered_set<std::string> names_;
  std::optional<std::size_t> syntax_error_;
};

/// Holds one entry to what its shape and dtype say.
void check_entry(const char* op, const SafetensorsEntry& entry, const std::string& path) {
  const Size bytes = stored_bytes(op, *entry.type, entry.shape,
                                  fmt::format("in tensor \"{}\" ({})", entry.name, path));
  check(entry.end - entry.begin == bytes, op,
        "expected {} bytes for {} of {} in tensor \"{}\", got data_offsets {} to {} ({})", bytes,
        entry.shape, entry.type->name, entry.name, entry.begin, entry.end, path);
}

/// Holds the entries to the rule that they cover the data, each byte once.
void check_cover(const char* op, const std::vector<SafetensorsEntry>& entries, Size data_bytes,
                 const std::string& path) {
  std::vector<const SafetensorsEntry*> in_order;
  for (const SafetensorsEntry& entry : entries) in_order.push_back(&entry);
  std::ranges::sort(in_order, [](const auto* a, const auto* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  Size covered = 0;
  for (const SafetensorsEntry* entry : in_order) {
    check(entry->begin == covered, op,
          "expected tensors one after another, got {} at data_offsets {}: \"{}\" begins at {} ({})",
          entry->begin < covered ? "an overlap" : "a hole", covered, entry->name, entry->begin,
          path);
    covered = entry->end;
  }
  check(covered == data_bytes, op, "expected {} bytes of tensors behind the header, got {} ({}){}",
        covered, data_bytes, path,
        covered > data_bytes ? "\nhelp: the file is cut off: copy or download it again" : "");
}

std::string quoted(const char* op, const std::string& text) {
  try {
    return json(text).dump();
  } catch (const json::exception&) {
    fail(op, "expected names and metadata in UTF-8, got {}",
         json(text).dump(-1, ' ', true, json::error_handler_t::replace));
  }
}

/// "a":"b","c":"d"
std::string pairs(const char* op, const std::map<std::string, std::string>& words) {
  std::string text;
  for (const auto& [key, value] : words) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", quoted(op, key), quoted(op, value));
  }
  return text;
}

}  // namespace

SafetensorsHeader parse_safetensors_header(const char* op, std::string_view text, Size data_bytes,
                                           const std::string& path) {
  HeaderHandler handler;
  if (!json::sax_parse(text.begin(), text.end(), &handler)) {
    const auto at = handler.syntax_error();
    fail(op, "{} ({}, offset {})", handler.fault, path,
         json_begin + (at ? static_cast<Size>(*at) - 1 : 0));
  }
  for (const SafetensorsEntry& entry : handler.header.entries) check_entry(op, entry, path);
  check_cover(op, handler.header.entries, data_bytes, path);
  return std::move(handler.header);
}

std::string to_json(const char* op, const SafetensorsHeader& header) {
  std::string text = "{";
  if (!header.metadata.empty()) {
    text += fmt::format("\"{}\":{{{}}}", metadata_key, pairs(op, header.metadata));
  }
  for (const SafetensorsEntry& entry : header.entries) {
    check(entry.name != metadata_key, op, "expected names of tensors, got \"{}\", which is not one",
          metadata_key);
    text += fmt::format(R"({}{}:{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})",
                        text.size() > 1 ? "," : "", quoted(op, entry.name), entry.type->name,
                        to_string(entry.shape), entry.begin, entry.end);
  }
  return text + '}';
}

std::string to_json(const char* op, const SafetensorsIndex& index, Size total_bytes) {
  Metadata words = index.metadata;
  words.erase("total_size");
  return fmt::format(R"({{"metadata":{{{}{}"total_size":{}}},"weight_map":{{{}}}}})",
                     pairs(op, words), words.empty() ? "" : ",", total_bytes,
                     pairs(op, index.file_of));
}

std::set<std::string> SafetensorsIndex::files() const {
  std::set<std::string> files;
  for (const auto& [name, file] : file_of) files.insert(file);
  return files;
}

SafetensorsIndex parse_safetensors_index(const char* op, std::string_view text,
                                         const std::string& path) {
  // {"metadata": {"total_size": 28}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}
  constexpr int deepest = 2;
  const auto shallow = [&](int depth, json::parse_event_t, json&) {
    check(depth <= deepest, op, "expected an index of {} levels, got more ({})", deepest, path);
    return true;
  };
  json index;
  try {
    index = json::parse(text.begin(), text.end(), shallow);
  } catch (const json::parse_error& error) {
    fail(op, "expected an index in JSON, got an error ({}, offset {})", path, error.byte);
  }
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  check(map != index.end() && map->is_object(), op,
        "expected an index with a \"weight_map\", got none ({})", path);
  SafetensorsIndex result;
  for (const auto& [name, file] : map->items()) {
    const std::string shard = file.is_string() ? file.get<std::string>() : std::string();
    check(!shard.empty() && shard.find('/') == shard.npos, op,
          "expected a file beside the index for \"{}\", got {} ({})", name, file.dump(), path);
    result.file_of[name] = shard;
  }
  if (const auto words = index.find("metadata"); words != index.end() && words->is_object()) {
    for (const auto& [key, value] : words->items()) {
      result.metadata[key] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
  return result;
}

}  // namespace reel::io::detail
