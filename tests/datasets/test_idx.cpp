#include "reel/datasets/idx.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmath>
#include <cstring>

#include "reel/ops/create/create.h"
#include "support/skip.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;
using reel::testing::content_of;
using reel::testing::TempFolder;

namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

/// The header of an idx file.
std::string header(int type, std::initializer_list<std::uint32_t> counts) {
  std::string text = bytes({0, 0, type, static_cast<int>(counts.size())});
  for (const std::uint32_t count : counts) {
    for (const int shift : {24, 16, 8, 0}) text += static_cast<char>(count >> shift);
  }
  return text;
}

std::string gzip(const std::string& plain) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&z, plain.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  z.avail_in = static_cast<uInt>(plain.size());
  z.next_out = reinterpret_cast<Bytef*>(packed.data());
  z.avail_out = static_cast<uInt>(packed.size());
  deflate(&z, Z_FINISH);
  packed.resize(z.total_out);
  deflateEnd(&z);
  return packed;
}

/// [2, 2, 3] of uint8 and what it says.
const std::string small = header(8, {2, 2, 3}) + bytes({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255});

void check_small(const Tensor& t) {
  REQUIRE(t.dtype() == uint8);
  REQUIRE(t.shape() == Shape{2, 2, 3});
  const auto* values = t.data_ptr<std::uint8_t>();
  for (int i = 0; i < 11; ++i) CHECK(values[i] == i);
  CHECK(values[11] == 255);
}

template <class T>
std::vector<T> values_of(const Tensor& t) {
  return std::vector<T>(t.data_ptr<T>(), t.data_ptr<T>() + t.numel());
}

}  // namespace

TEST_CASE("read_idx reads plain and gzip files, told by their content") {
  const TempFolder folder;
  check_small(read_idx(folder.write("plain", small)));
  check_small(read_idx(folder.write("packed.gz", gzip(small))));
  check_small(read_idx(folder.write("plain.gz", small)));
  check_small(read_idx(folder.write("packed", gzip(small))));
}

TEST_CASE("read_idx reads gzip files of several members") {
  const TempFolder folder;
  for (std::size_t cut = 0; cut <= small.size(); ++cut) {
    check_small(
        read_idx(folder.write("two", gzip(small.substr(0, cut)) + gzip(small.substr(cut)))));
  }
}

TEST_CASE("read_idx turns every element type into a fitting dtype") {
  const TempFolder folder;
  const auto read = [&](const std::string& content) {
    return read_idx(folder.write("file", content));
  };
  CHECK(values_of<std::uint8_t>(read(header(0x08, {2}) + bytes({7, 255}))) ==
        std::vector<std::uint8_t>{7, 255});
  CHECK(values_of<std::int32_t>(read(header(0x09, {4}) + bytes({0, 127, 0x80, 0xff}))) ==
        std::vector<std::int32_t>{0, 127, -128, -1});
  CHECK(values_of<std::int32_t>(
            read(header(0x0b, {4}) + bytes({0, 1, 0x7f, 0xff, 0x80, 0, 0xff, 0xfe}))) ==
        std::vector<std::int32_t>{1, 32767, -32768, -2});
  CHECK(values_of<std::int32_t>(
            read(header(0x0c, {2}) + bytes({0, 0, 1, 2, 0xff, 0xff, 0xff, 0xfe}))) ==
        std::vector<std::int32_t>{258, -2});
  CHECK(values_of<float>(read(header(0x0d, {2}) + bytes({0x3f, 0xc0, 0, 0, 0xff, 0x80, 0, 0}))) ==
        std::vector<float>{1.5F, -INFINITY});
  CHECK(values_of<double>(read(header(0x0e, {1}) + bytes({0xc0, 0x04, 0, 0, 0, 0, 0, 0}))) ==
        std::vector<double>{-2.5});
}

TEST_CASE("read_idx reads empty and 0-d tensors") {
  const TempFolder folder;
  CHECK(read_idx(folder.write("none", header(8, {0, 28, 28}))).shape() == Shape{0, 28, 28});
  CHECK(read_idx(folder.write("none", gzip(header(0x0e, {0})))).shape() == Shape{0});
  const Tensor scalar = read_idx(folder.write("scalar", header(8, {}) + bytes({42})));
  CHECK(scalar.dim() == 0);
  CHECK(scalar.item<int>() == 42);
}

TEST_CASE("read_idx refuses a plain file cut off after any byte") {
  const TempFolder folder;
  for (std::size_t length = 0; length < small.size(); ++length) {
    const std::string path = folder.write("cut", small.substr(0, length));
    const std::string part = length < 4    ? "expected a magic number of 4 bytes, got "
                             : length < 16 ? "expected 3 counts of 4 bytes, got "
                                           : "expected 12 bytes for [2, 2, 3] of uint8, got ";
    CHECK_ERROR(read_idx(path), "[read_idx] " + part);
    CHECK_ERROR(read_idx(path), path + ", offset ");
  }
}

TEST_CASE("read_idx refuses a gzip file cut off after any byte") {
  const TempFolder folder;
  const std::string packed = gzip(small);
  for (std::size_t length = 2; length < packed.size(); ++length) {
    CHECK_ERROR(read_idx(folder.write("cut.gz", packed.substr(0, length))),
                "[read_idx] expected more gzip data, got the end of the file (");
  }
}

TEST_CASE("read_idx refuses or reads rightly a gzip file with any one bit turned") {
  const TempFolder folder;
  const std::string packed = gzip(small);
  int refused = 0;
  for (std::size_t i = 0; i < packed.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = packed;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      try {
        check_small(read_idx(folder.write("damaged.gz", damaged)));  // a time stamp, a flag
      } catch (const Error& error) {
        ++refused;
        CHECK(std::strncmp(error.what(), "[read_idx] expected ", 20) == 0);
      }
    }
  }
  CHECK(refused > static_cast<int>(packed.size()) * 4);
}

TEST_CASE("read_idx says so when gzip's checksum is wrong") {
  const TempFolder folder;
  std::string packed = gzip(small);
  packed[packed.size() - 5] = static_cast<char>(packed[packed.size() - 5] ^ 1);
  CHECK_ERROR(read_idx(folder.write("crc.gz", packed)),
              "[read_idx] expected intact gzip data, got \"incorrect data check\" (");
  packed = gzip(small);
  packed.back() = static_cast<char>(packed.back() ^ 1);
  CHECK_ERROR(read_idx(folder.write("length.gz", packed)), "got \"incorrect length check\" (");
}

TEST_CASE("read_idx refuses bytes after the end") {
  const TempFolder folder;
  CHECK_ERROR(read_idx(folder.write("long", small + "x")),
              "expected 12 bytes for [2, 2, 3] of uint8, got 13 bytes (");
  CHECK_ERROR(read_idx(folder.write("long.gz", gzip(small + "x"))),
              "expected the end of the file after [2, 2, 3] of uint8, got more bytes (");
  CHECK_ERROR(read_idx(folder.write("long.gz", gzip(small) + "xy")),
              "expected the end of the file after the gzip data, got 2 more bytes (");
}

TEST_CASE("read_idx refuses wrong magic numbers, types and ranks") {
  const TempFolder folder;
  const auto read = [&](const std::string& content) {
    return read_idx(folder.write("file", content));
  };
  CHECK_ERROR(read(bytes({0x89, 'P', 'N', 'G', 0, 0, 0, 0})),
              "expected the magic number of an idx file, 00 00 <type> <rank>, got 89 50 4e 47 (");
  CHECK_ERROR(read(bytes({0, 1, 8, 1, 0, 0, 0, 0})), "got 00 01 08 01 (");
  for (const int type : {0, 7, 0x0a, 0x0f, 0x80, 0xff}) {
    CHECK_ERROR(read(header(type, {1}) + "x"),
                "expected an element type of 08, 09, 0b, 0c, 0d or 0e, got ");
  }
  CHECK_ERROR(read(header(8, {1, 1, 1, 1, 1, 1, 1, 1, 1}) + "x"),
              "expected a rank of at most 8, got 9 (");
  CHECK_ERROR(read(bytes({0, 0, 8, 255})), "expected a rank of at most 8, got 255 (");
  CHECK_ERROR(read(""), "expected a magic number of 4 bytes, got 0 bytes (");
  CHECK_ERROR(read("<html>not found</html>"), "expected the magic number of an idx file");
}

TEST_CASE("read_idx refuses huge counts before it takes memory") {
  const TempFolder folder;
  const std::uint32_t most = 0xffffffff;
  const std::string overflowing = header(0x0e, {most, most, most});
  CHECK_ERROR(read_idx(folder.write("file", overflowing)),
              "[read_idx] expected at most 2^48 elements, got [");
  CHECK_ERROR(read_idx(folder.write("file", gzip(overflowing))),
              "[read_idx] expected at most 2^48 elements, got [");
  CHECK_ERROR(read_idx(folder.write("file", header(0x0e, {most, most, 0, most}))),
              "[read_idx] expected at most 2^48 elements, got [");
  // A zero among them does not help: no tensor has such a shape.
  CHECK_ERROR(read_idx(folder.write("file", header(8, {0, most, most}))),
              "[read_idx] expected at most 2^48 elements, got [");
  CHECK_ERROR(read_idx(folder.write("file", header(8, {most, most, 0}))),
              "[read_idx] expected at most 2^48 elements, got [");
  CHECK_ERROR(read_idx(folder.write("file", header(8, {most, 1000}))),
              "expected 4294967295000 bytes for [4294967295, 1000] of uint8, got 0 bytes (");
  CHECK_ERROR(read_idx(folder.write("file", gzip(header(8, {most, 1000})))),
              "expected 4294967295000 bytes for [4294967295, 1000] of uint8, got a gzip file of "
              "only ");
  CHECK_ERROR(read_idx(folder.write("file", gzip(header(8, {1000}) + "short"))),
              "expected 1000 bytes for [1000] of uint8, got 5 bytes (");
}

TEST_CASE("read_idx refuses what is not a file it may read") {
  const TempFolder folder;
  CHECK_ERROR(read_idx(folder / "none"), "\"No such file or directory\" (");
  CHECK_ERROR(read_idx(folder.path()), "expected a regular file, got a directory (");
  CHECK_ERROR(read_idx(""), "\"No such file or directory\" (");
  const std::string pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_ERROR(read_idx(pipe), "expected a regular file, got a device or pipe (");
}

TEST_CASE("read_idx reports a file without permission") {
  if (::geteuid() == 0) REEL_SKIP("root may read every file");
  const TempFolder folder;
  const std::string path = folder.write("secret", small);
  ::chmod(path.c_str(), 0);
  CHECK_ERROR(read_idx(path), "expected a readable file, got \"Permission denied\" (");
}

TEST_CASE("write_idx and read_idx are inverse") {
  const TempFolder folder;
  for (const char* name : {"file", "file.gz"}) {
    for (const DType dtype : {uint8, int32, float32, float64}) {
      for (const Shape& shape : {Shape{}, Shape{0}, Shape{3}, Shape{2, 3, 4}, Shape{1, 0, 5}}) {
        const Tensor t = empty(shape, {.dtype = dtype});
        with_dtype(dtype, [&](auto zero) {
          using T = decltype(zero);
          for (Size i = 0; i < t.numel(); ++i) {
            t.data_ptr<T>()[i] = static_cast<T>(i * 13 + (dtype == uint8 ? 0 : -100));
          }
        });
        write_idx(folder / name, t);
        const Tensor back = read_idx(folder / name);
        CHECK(back.dtype() == dtype);
        CHECK(back.shape() == shape);
        CHECK(std::memcmp(back.impl().data, t.impl().data,
                          static_cast<std::size_t>(t.numel() * item_size(dtype))) == 0);
      }
    }
  }
}

TEST_CASE("write_idx writes the format's bytes and leaves its tensor alone") {
  const TempFolder folder;
  const Tensor t = tensor({1, 2, 258}, {.dtype = int32});
  write_idx(folder / "file", t);
  CHECK(content_of(folder / "file") ==
        header(0x0c, {3}) + bytes({0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 1, 2}));
  CHECK(t.data_ptr<std::int32_t>()[2] == 258);
}

TEST_CASE("write_idx writes views in row-major order") {
  const TempFolder folder;
  const Tensor t = tensor({{1, 2, 3}, {4, 5, 6}}, {.dtype = uint8});
  write_idx(folder / "file", t.t());
  CHECK(content_of(folder / "file") == header(8, {3, 2}) + bytes({1, 4, 2, 5, 3, 6}));
}

TEST_CASE("write_idx refuses what the format does not know") {
  const TempFolder folder;
  CHECK_ERROR(
      write_idx(folder / "file", tensor({1, 2})),
      "[write_idx] expected a dtype of uint8, int32, float32 or float64, got int64\nhelp: ");
  CHECK_ERROR(write_idx(folder / "file", tensor({true})), "got bool");
  CHECK(folder.entries() == 0);
}

TEST_CASE("write_idx writes no empty tensor that read_idx would refuse") {
  const TempFolder folder;
  const Size most = Size{1} << 31;
  const Tensor large = zeros({0, most}, {.dtype = uint8});
  write_idx(folder / "file", large);
  CHECK(read_idx(folder / "file").shape() == large.shape());
}

TEST_CASE("write_idx replaces a file, and leaves nothing behind when it cannot") {
  const TempFolder folder;
  folder.write("file", "old");
  write_idx(folder / "file", tensor({1}, {.dtype = uint8}));
  CHECK(content_of(folder / "file") == header(8, {1}) + bytes({1}));
  CHECK(folder.entries() == 1);

  const Tensor t = tensor({1}, {.dtype = uint8});
  CHECK_ERROR(write_idx(folder / "none/file", t),
              "[write_idx] expected to write the file, got \"No such file or directory\" (");
  CHECK_ERROR(write_idx(folder / "file/below", t), "\"Not a directory\" (");
  std::filesystem::create_directory(folder / "folder");
  CHECK_ERROR(write_idx(folder / "folder", t), "\"Is a directory\" (");
  CHECK(folder.entries() == 2);
}

TEST_CASE("write_idx follows links and notices a full device") {
  const TempFolder folder;
  const Tensor t = tensor({1, 2}, {.dtype = uint8});
  std::filesystem::create_symlink("file", folder / "link");
  write_idx(folder / "link", t);
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(content_of(folder / "file") == header(8, {2}) + bytes({1, 2}));
  for (const char* name : {"full", "full.gz"}) {
    std::filesystem::create_symlink("/dev/full", folder / name);
    CHECK_ERROR(
        write_idx(folder / name, t),
        "[write_idx] expected to write the file, got \"No space left on device\" (/dev/full)");
    CHECK(std::filesystem::is_symlink(folder / name));
  }
}
