#include "reel/io/detail/torch_file.h"

#include <cstring>
#include <filesystem>
#include <map>
#include <unordered_map>
#include <utility>

#include "reel/base/detail/file.h"
#include "reel/base/fail.h"
#include "reel/io/detail/unpickler.h"
#include "reel/io/detail/zip_file.h"
#include "reel/ops/shape/view.h"

namespace reel::io::detail {
namespace {

/// A tensor on the elements of another, which is contiguous and has them all.
Tensor strided_view(const Tensor& storage, const PickledTensor& view) {
  const Tensor made = storage.view({storage.numel()});
  reel::detail::TensorImpl& impl = made.impl();
  impl.shape = view.shape;
  impl.strides = view.strides;
  impl.numel = view.shape.numel();
  impl.contiguous = reel::detail::is_contiguous(view.shape, view.strides);
  impl.data += view.offset * item_size(impl.dtype);
  return made;
}

/// A 0-d tensor that is not C++'s number: it has a dtype of its own in mixed operations.
template <class T>
Tensor number(T value) {
  const Tensor made = empty({}, {.dtype = dtype_of<T>});
  *made.data_ptr<T>() = value;
  return made;
}

class TorchReader final : public Reader {
 public:
  TorchReader(const char* op, const std::string& path) : op_(op), path_(path), zip_(op, path) {
    for (std::size_t i = 0; i < zip_.entries().size(); ++i) {
      place_of_.emplace(zip_.entries()[i].name, i);
    }
    const std::size_t pickle = find_pickle();
    folder_ = zip_.entries()[pickle].name;
    folder_.resize(folder_.rfind('/') + 1);
    check_byte_order();

    const std::string root = std::filesystem::path(path).stem();
    const std::string where = fmt::format("{}, {}", path, zip_.entries()[pickle].name);
    PickledState state = unpickled(op, content_of(pickle, longest_pickle), root, where);
    entries_ = std::move(state.entries);
    metadata_ = std::move(state.metadata);
    for (const PickledEntry& entry : entries_) tensors_.push_back(info_of(entry));
  }

  Tensor read(std::size_t index) const override {
    const auto& value = entries_[index].value;
    if (const bool* truth = std::get_if<bool>(&value)) return number(*truth);
    if (const std::int64_t* integer = std::get_if<std::int64_t>(&value)) return number(*integer);
    if (const double* real = std::get_if<double>(&value)) return number(*real);
    const auto& view = std::get<PickledTensor>(value);
    Tensor& storage = storages_[{view.storage, view.type}];
    if (!storage.defined()) storage = read_storage(view);
    return strided_view(storage, view);
  }

 private:
  static constexpr Size longest_pickle = Size{1} << 26;

  std::size_t find_pickle() const {
    for (const auto& [name, place] : place_of_) {
      if (name.ends_with("/data.pkl")) return place;
    }
    fail(op_, "expected a zip archive of torch.save, with data.pkl, got none ({})", path_);
  }

  std::string content_of(std::size_t place, Size most) const {
    const auto& [name, bytes] = zip_.entries()[place];
    check(bytes <= most, op_, "expected \"{}\" of at most {} bytes, got {} ({})", name, most, bytes,
          path_);
    std::string content(static_cast<std::size_t>(bytes), '\0');
    zip_.read(place, content.data());
    return content;
  }

  void check_byte_order() const {
    const auto found = place_of_.find(folder_ + "byteorder");
    if (found == place_of_.end()) return;  // of a PyTorch that knew of one order only
    const std::string order = content_of(found->second, 16);
    check(order == "little", op_, "expected little-endian elements, got \"{}\" ({})", order, path_);
  }

  std::size_t place_of(const PickledTensor& tensor) const {
    const std::string name = folder_ + "data/" + tensor.storage;
    const auto found = place_of_.find(name);
    check(found != place_of_.end(), op_, "expected a storage \"{}\", got none ({})", name, path_);
    return found->second;
  }

  TensorInfo info_of(const PickledEntry& entry) const {
    if (std::holds_alternative<bool>(entry.value)) {
      return tensor_info(entry.name, stored_type_of(bool_), {});
    }
    if (std::holds_alternative<std::int64_t>(entry.value)) {
      return tensor_info(entry.name, stored_type_of(int64), {});
    }
    if (std::holds_alternative<double>(entry.value)) {
      return tensor_info(entry.name, stored_type_of(float64), {});
    }
    const auto& tensor = std::get<PickledTensor>(entry.value);
    const Size bytes = zip_.entries()[place_of(tensor)].bytes;
    // What the pickle says of a storage need not be true.
    check(bytes / tensor.type->bytes == tensor.storage_numel && bytes % tensor.type->bytes == 0,
          op_, "expected {} elements of {} in storage \"{}\" of \"{}\", got {} bytes ({})",
          tensor.storage_numel, tensor.type->name, tensor.storage, entry.name, bytes, path_);
    return tensor_info(entry.name, *tensor.type, tensor.shape);
  }

  Tensor read_storage(const PickledTensor& tensor) const {
    const std::size_t place = place_of(tensor);
    const Shape numel{tensor.storage_numel};
    if (tensor.type->convert == nullptr) {
      const Tensor storage = empty(numel, {.dtype = tensor.type->dtype});
      zip_.read(place, storage.impl().data);
      return storage;
    }
    const std::string stored = content_of(place, zip_.entries()[place].bytes);
    const auto read = [&](Size offset, std::byte* to, Size bytes) {
      std::memcpy(to, stored.data() + offset, static_cast<std::size_t>(bytes));
    };
    return filled(op_, *tensor.type, numel, read,
                  fmt::format("of storage \"{}\" ({})", tensor.storage, path_));
  }

  const char* op_;
  std::string path_;
  ZipFile zip_;
  std::string folder_;  // of all entries
  std::unordered_map<std::string, std::size_t> place_of_;
  std::vector<PickledEntry> entries_;
  mutable std::map<std::pair<std::string, const StoredType*>, Tensor> storages_;
};

}  // namespace

std::unique_ptr<Reader> read_torch(const char* op, const std::string& path) {
  const reel::detail::InputFile file(op, path);
  std::string magic(2, '\0');
  file.read(magic.data(), magic.size());
  check(magic != "\x80\x02", op,
        "expected a zip archive, as torch.save has written since 1.6, got an older file ({})\n"
        "help: in Python: torch.save(torch.load(path), path)",
        path);
  return std::make_unique<TorchReader>(op, path);
}

}  // namespace reel::io::detail
