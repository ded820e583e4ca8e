#include "reel/io/detail/npz.h"

#include <cstring>
#include <unordered_set>
#include <vector>

#include "reel/autograd/detail/batched.h"
#include "reel/base/fail.h"
#include "reel/io/detail/npy.h"
#include "reel/io/detail/zip_file.h"
#include "reel/io/detail/zip_writer.h"
#include "reel/ops/shape/view.h"

namespace reel::io::detail {
namespace {

constexpr std::string_view ending = ".npy";

class NpzReader final : public Reader {
 public:
  NpzReader(const char* op, const std::string& path) : op_(op), path_(path), zip_(op, path) {
    std::unordered_set<std::string> names;
    for (std::size_t i = 0; i < zip_.entries().size(); ++i) {
      const auto& [file, bytes] = zip_.entries()[i];
      check(file.ends_with(ending), op, "expected entries of arrays, \"x.npy\", got \"{}\" ({})",
            file, path);
      std::string name = file.substr(0, file.size() - ending.size());
      check(names.insert(name).second, op, "expected each name once, got \"{}\" twice ({})", name,
            path);
      headers_.push_back(
          parse_npy_header(op, zip_.beginning(i, longest_npy_header), bytes, where(i)));
      tensors_.push_back(npy_info(std::move(name), headers_.back()));
    }
  }

  Tensor read(std::size_t index) const override {
    std::string content(static_cast<std::size_t>(zip_.entries()[index].bytes), '\0');
    zip_.read(index, content.data());
    const auto read = [&](Size offset, std::byte* to, Size bytes) {
      std::memcpy(to, content.data() + headers_[index].bytes + offset,
                  static_cast<std::size_t>(bytes));
    };
    return npy_tensor(op_, headers_[index], read, where(index));
  }

 private:
  std::string where(std::size_t index) const {
    return fmt::format("{}, {}", path_, zip_.entries()[index].name);
  }

  const char* op_;
  std::string path_;
  ZipFile zip_;
  std::vector<NpyHeader> headers_;
};

}  // namespace

std::unique_ptr<Reader> read_npz(const char* op, const std::string& path) {
  return std::make_unique<NpzReader>(op, path);
}

void write_npz(const char* op, const std::string& path, const StateDict& state,
               const SaveOptions&) {
  reel::detail::OutputFile file(op, path);
  ZipWriter zip(op, file);
  for (const auto& [name, tensor] : state) {
    const Tensor whole = tensor.detach().contiguous();
    reel::detail::check_not_batched(op, whole);
    zip.add(name + std::string(ending), npy_header(stored_type_of(whole.dtype()), whole.shape()),
            whole.impl().data, static_cast<std::size_t>(whole.numel() * item_size(whole.dtype())));
  }
  zip.finish();
  file.commit();
}

}  // namespace reel::io::detail
