#include "reel/io/detail/zip_file.h"

#include <zip.h>

#include <algorithm>

#include "reel/base/detail/file.h"
#include "reel/base/detail/shared_library.h"
#include "reel/base/fail.h"

namespace reel::io::detail {
namespace {

/// The functions of libzip that are used here.
struct Zip {
  decltype(&::zip_open) open = nullptr;
  decltype(&::zip_discard) discard = nullptr;
  decltype(&::zip_strerror) strerror = nullptr;
  decltype(&::zip_error_init_with_code) error_init_with_code = nullptr;
  decltype(&::zip_error_strerror) error_strerror = nullptr;
  decltype(&::zip_error_fini) error_fini = nullptr;
  decltype(&::zip_get_num_entries) get_num_entries = nullptr;
  decltype(&::zip_stat_index) stat_index = nullptr;
  decltype(&::zip_fopen_index) fopen_index = nullptr;
  decltype(&::zip_fread) fread = nullptr;
  decltype(&::zip_fclose) fclose = nullptr;
  decltype(&::zip_file_strerror) file_strerror = nullptr;

  /// Loaded by the first call, which `op` names where that fails.
  static const Zip& get(const char* op) {
    static const Zip zip(op);
    return zip;
  }

 private:
  explicit Zip(const char* op) {
    const reel::detail::SharedLibrary library(op, "libzip.so.4", "libzip4");
    library.find(open, "zip_open");
    library.find(discard, "zip_discard");
    library.find(strerror, "zip_strerror");
    library.find(error_init_with_code, "zip_error_init_with_code");
    library.find(error_strerror, "zip_error_strerror");
    library.find(error_fini, "zip_error_fini");
    library.find(get_num_entries, "zip_get_num_entries");
    library.find(stat_index, "zip_stat_index");
    library.find(fopen_index, "zip_fopen_index");
    library.find(fread, "zip_fread");
    library.find(fclose, "zip_fclose");
    library.find(file_strerror, "zip_file_strerror");
  }
};

struct Close {
  const Zip* zip;
  void operator()(zip_t* archive) const { zip->discard(archive); }
  void operator()(zip_file_t* entry) const { zip->fclose(entry); }
};

/// Bytes of the largest content that so many compressed ones can hold.
zip_uint64_t most_bytes(const zip_stat_t& entry) {
  if (entry.comp_method == ZIP_CM_STORE) return entry.comp_size;
  // Deflate packs at most 258 bytes into 2 bits.
  constexpr zip_uint64_t ratio = 1032;
  return std::min(entry.comp_size, ~zip_uint64_t{} / ratio) * ratio;
}

}  // namespace

struct ZipFile::State {
  const char* op;
  std::string path;
  const Zip& zip = Zip::get(op);
  std::unique_ptr<zip_t, Close> archive{nullptr, Close{&zip}};
};

ZipFile::ZipFile(const char* op, const std::string& path)
    : state_(std::make_unique<State>(State{op, path})) {
  const reel::detail::InputFile file(op, path);  // its errors are better
  const Zip& zip = state_->zip;
  int code = 0;
  state_->archive.reset(zip.open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  if (state_->archive == nullptr) {
    zip_error_t error;
    zip.error_init_with_code(&error, code);
    const std::string why = zip.error_strerror(&error);
    zip.error_fini(&error);
    fail(op, "expected a zip archive, got \"{}\" ({})", why, path);
  }
  const auto count = static_cast<zip_uint64_t>(zip.get_num_entries(state_->archive.get(), 0));
  for (zip_uint64_t i = 0; i < count; ++i) {
    zip_stat_t entry;
    constexpr zip_uint64_t needed =
        ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    const bool known = zip.stat_index(state_->archive.get(), i, 0, &entry) == 0 &&
                       (entry.valid & needed) == needed;
    check(known, op, "expected a name and a size of entry {}, got none ({})", i, path);
    const bool plain =
        (entry.comp_method == ZIP_CM_STORE || entry.comp_method == ZIP_CM_DEFLATE) &&
        (!(entry.valid & ZIP_STAT_ENCRYPTION_METHOD) || entry.encryption_method == ZIP_EM_NONE);
    check(plain, op, "expected entries stored or deflated, got method {} for \"{}\" ({})",
          entry.comp_method, entry.name, path);
    check(entry.size <= most_bytes(entry), op,
          "expected an entry of at most {} bytes, got {} for \"{}\" ({})", most_bytes(entry),
          entry.size, entry.name, path);
    entries_.push_back({entry.name, static_cast<Size>(entry.size)});
  }
}

ZipFile::~ZipFile() = default;

/// An entry on its way out of the archive.
class ZipFile::Stream {
 public:
  Stream(const State& state, std::size_t index, const std::string& name)
      : state_(state),
        name_(name),
        entry_(state.zip.fopen_index(state.archive.get(), static_cast<zip_uint64_t>(index), 0),
               Close{&state.zip}) {
    if (entry_ == nullptr) fail_with(state.zip.strerror(state.archive.get()));
  }

  void read(void* to, Size bytes) {
    for (Size done = 0; done < bytes;) {
      const Size got = some(static_cast<std::byte*>(to) + done, bytes - done);
      if (got == 0) fail_with("an early end");
      done += got;
    }
  }
  /// At the end the CRC-32 is compared.
  void finish() {
    std::byte more;
    if (some(&more, 1) != 0) fail_with("more bytes than it says");
  }

 private:
  Size some(std::byte* to, Size bytes) {
    const zip_int64_t got = state_.zip.fread(entry_.get(), to, static_cast<zip_uint64_t>(bytes));
    if (got < 0) fail_with(state_.zip.file_strerror(entry_.get()));
    return got;
  }
  [[noreturn]] void fail_with(const char* why) const {
    fail(state_.op, "expected intact data of \"{}\", got \"{}\" ({})", name_, why, state_.path);
  }

  const State& state_;
  const std::string& name_;
  std::unique_ptr<zip_file_t, Close> entry_;
};

void ZipFile::read(std::size_t index, void* to) const {
  Stream stream(*state_, index, entries_[index].name);
  stream.read(to, entries_[index].bytes);
  stream.finish();
}

std::string ZipFile::beginning(std::size_t index, Size most) const {
  std::string content(static_cast<std::size_t>(std::min(most, entries_[index].bytes)), '\0');
  Stream(*state_, index, entries_[index].name)
      .read(content.data(), static_cast<Size>(content.size()));
  return content;
}

}  // namespace reel::io::detail
