#include "reel/io/detail/safetensors.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "reel/autograd/detail/batched.h"
#include "reel/base/fail.h"
#include "reel/io/detail/safetensors_header.h"
#include "reel/ops/shape/view.h"

namespace reel::io::detail {
namespace {

constexpr Size length_bytes = 8;
constexpr Size longest_header = 100'000'000;  // the format's own bound

std::string text_of(const char* op, const reel::detail::InputFile& file, Size offset, Size bytes) {
  std::string text(static_cast<std::size_t>(bytes), '\0');
  const std::size_t got = file.read_at(offset, text.data(), text.size());
  check(got == text.size(), op, "expected {} bytes of JSON, got {} ({}, offset {})", bytes, got,
        file.path(), offset);
  return text;
}

/// Appends a file's tensors and returns its metadata.
Metadata add_file(const char* op, const std::string& path, Safetensors& all) {
  const auto& file =
      all.files.emplace_back(std::make_unique<const reel::detail::InputFile>(op, path));
  std::uint64_t length = 0;
  const std::size_t got = file->read_at(0, &length, sizeof length);
  check(got == length_bytes, op,
        "expected 8 bytes that say how long the header is, got {} ({}, offset 0)", got, path);
  const Size most = std::min(file->size() - length_bytes, longest_header);
  check(length <= static_cast<std::uint64_t>(most), op,
        "expected a safetensors file, whose first 8 bytes say how long its header is, at most {}, "
        "got {} ({}, offset 0)",
        most, length, path);
  const std::string text = text_of(op, *file, length_bytes, static_cast<Size>(length));
  const Size data_begin = length_bytes + static_cast<Size>(length);
  SafetensorsHeader header = parse_safetensors_header(op, text, file->size() - data_begin, path);
  for (SafetensorsEntry& entry : header.entries) {
    all.places.push_back({file.get(), data_begin + entry.begin, entry.type});
    all.tensors.push_back(tensor_info(std::move(entry.name), *entry.type, entry.shape));
  }
  return std::move(header.metadata);
}

class SafetensorsReader final : public Reader {
 public:
  SafetensorsReader(const char* op, Safetensors files) : op_(op), files_(std::move(files)) {
    tensors_ = std::move(files_.tensors);
    metadata_ = std::move(files_.metadata);
  }

  Tensor read(std::size_t index) const override {
    const auto& [file, begin, type] = files_.places[index];
    const TensorInfo& tensor = tensors_[index];
    const std::string where =
        fmt::format("of tensor \"{}\" ({}, offset {})", tensor.name, file->path(), begin);
    const auto read = [&, &source = *file, start = begin](Size offset, std::byte* to, Size bytes) {
      const std::size_t got = source.read_at(start + offset, to, static_cast<std::size_t>(bytes));
      check(static_cast<Size>(got) == bytes, op_,
            "expected {} bytes, got the end of the file after {} {}", tensor.bytes,
            offset + static_cast<Size>(got), where);
    };
    return filled(op_, *type, tensor.shape, read, where);
  }

 private:
  const char* op_;
  Safetensors files_;
};

}  // namespace

Safetensors open_safetensors(const char* op, const std::string& path) {
  Safetensors file;
  file.metadata = add_file(op, path, file);
  return file;
}

Safetensors open_safetensors_index(const char* op, const std::string& path) {
  const reel::detail::InputFile file(op, path);
  check(file.size() <= longest_header, op, "expected an index of at most {} bytes, got {} ({})",
        longest_header, file.size(), path);
  SafetensorsIndex index = parse_safetensors_index(op, text_of(op, file, 0, file.size()), path);

  Safetensors all;
  all.metadata = std::move(index.metadata);
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  for (const std::string& shard : index.files()) {
    const std::size_t before = all.tensors.size();
    add_file(op, folder / shard, all);
    for (std::size_t i = before; i < all.tensors.size(); ++i) {
      const std::string& name = all.tensors[i].name;
      const auto meant = index.file_of.find(name);
      check(meant != index.file_of.end() && meant->second == shard, op,
            "expected the index to say that {} holds \"{}\", got {} ({})", shard, name,
            meant == index.file_of.end() ? "no such name" : meant->second, path);
      index.file_of.erase(meant);
    }
  }
  check(index.file_of.empty(), op, "expected tensor \"{}\" in {}, got none ({})",
        index.file_of.begin()->first, index.file_of.begin()->second, path);
  return all;
}

std::unique_ptr<Reader> read_safetensors(const char* op, const std::string& path) {
  return std::make_unique<SafetensorsReader>(op, open_safetensors(op, path));
}

std::unique_ptr<Reader> read_safetensors_index(const char* op, const std::string& path) {
  return std::make_unique<SafetensorsReader>(op, open_safetensors_index(op, path));
}

void write_safetensors(const char* op, const std::string& path, const StateDict& state,
                       const SaveOptions& options) {
  SafetensorsHeader header{.metadata = options.metadata};
  std::vector<Tensor> tensors;
  for (const auto& [name, tensor] : state) {
    header.entries.push_back(
        {.name = name, .type = &stored_type_of(tensor.dtype()), .shape = tensor.shape()});
    tensors.push_back(tensor);
  }
  // The header keeps the names' order. The elements lie with the widest first, each then at a
  // multiple of its size, so that the file can be used as it is mapped.
  std::vector<std::size_t> order(tensors.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, std::greater(),
                           [&](std::size_t i) { return header.entries[i].type->bytes; });
  Size end = 0;
  for (const std::size_t i : order) {
    SafetensorsEntry& entry = header.entries[i];
    entry.begin = end;
    end += entry.shape.numel() * entry.type->bytes;
    entry.end = end;
  }
  std::string text = to_json(op, header);
  while (text.size() % 8 != 0) text += ' ';
  const std::uint64_t length = text.size();
  check(length <= longest_header, op, "expected names that take at most {} bytes, got {} ({})",
        longest_header, length, path);

  reel::detail::OutputFile file(op, path);
  file.write(&length, sizeof length);
  file.write(text.data(), text.size());
  for (const std::size_t i : order) {
    const Tensor whole = tensors[i].detach().contiguous();
    reel::detail::check_not_batched(op, whole);
    file.write(whole.impl().data,
               static_cast<std::size_t>(whole.numel() * item_size(whole.dtype())));
  }
  file.commit();
}

}  // namespace reel::io::detail
