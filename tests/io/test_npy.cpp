// NumPy's files of one array. data/make.py made the recorded ones.

#include <doctest/doctest.h>

#include "io/support.h"
#include "reel/io/inspect.h"
#include "reel/io/load.h"
#include "reel/io/save.h"
#include "reel/ops/create/create.h"
#include "reel/ops/create/random.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::testing;
using namespace std::literals;

namespace {

std::string npy(const std::string& text, const std::string& data = "") {
  return "\x93NUMPY\x01\0"s + bytes_of<std::uint16_t>({static_cast<std::uint16_t>(text.size())}) +
         text + data;
}

}  // namespace

TEST_CASE("arrays of NumPy load, whichever version and order they have") {
  const StateDict expected = io::load_state_dict(recorded("arrays.safetensors"));
  const Tensor fortran = io::load_tensor(recorded("fortran.npy"));
  CHECK(same_bits(fortran, expected.at("fortran")));
  CHECK(fortran.is_contiguous());
  CHECK(same_bits(io::load_tensor(recorded("version3.npy")), expected.at("matrix")));
  CHECK(io::load_state_dict(recorded("fortran.npy")).contains("fortran"));
  const io::FileInfo info = io::inspect(recorded("fortran.npy"));
  CHECK(info.format == "NumPy array");
  CHECK(info.tensors[0].shape == Shape{2, 3, 4});
}

TEST_CASE("a tensor saved as .npy is what NumPy writes") {
  const TempFolder folder;
  const std::string path = folder / "x.npy";
  io::save(arange(6).to(float32).view({2, 3}), path);
  // numpy.save(path, numpy.arange(6, dtype=numpy.float32).reshape(2, 3))
  const std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  CHECK(content_of(path) == "\x93NUMPY\x01\0\x76\0"s + text + std::string(117 - text.size(), ' ') +
                                '\n' + bytes_of<float>({0, 1, 2, 3, 4, 5}));
  for (const Tensor& x :
       {Tensor(2.5), randn({3}), zeros({0, 2}, {.dtype = int64}), tensor({true, false}),
        tensor({7}).to(uint8), tensor({-7}).to(int32), randn({3, 4}, {.dtype = float64}).t()}) {
    CAPTURE(to_string(x.shape()));
    io::save(x, path);
    CHECK(same_bits(io::load_tensor(path), x));
  }
}

TEST_CASE("several tensors, and metadata, have no place in a .npy file") {
  const TempFolder folder;
  CHECK_ERROR(io::save({{"a", ones({1})}, {"b", ones({1})}}, folder / "x.npy"),
              "[io::save] expected one tensor for a .npy file, got 2 (");
  CHECK_ERROR(io::save(ones({1}), folder / "x.npy", {.metadata = {{"epoch", "3"}}}),
              "[io::save] expected no metadata, which .npy files do not have, got \"epoch\" (");
  CHECK(folder.entries() == 0);
}

TEST_CASE("arrays of what no tensor holds are refused") {
  CHECK_ERROR(io::load_tensor(recorded("objects.npy")),
              "got '|O': Python objects, which are not run");
  CHECK_ERROR(io::load_tensor(recorded("records.npy")),
              "numbers as elements, got a record of several");
  CHECK_ERROR(io::load_tensor(recorded("words.npy")), "got '<U1' (" + recorded("words.npy"));
}

TEST_CASE("an array that is cut, too long or damaged is refused with the place") {
  const TempFolder folder;
  const auto refused = [&](const std::string& content) {
    const std::string path = folder.write("x.npy", content);
    const std::string text = error_of([&] { io::load_tensor(path); });
    CAPTURE(text);
    CHECK(contains(text, "[io::load] expected "));
    CHECK(contains(text, "(" + path + ", offset "));
    return text;
  };
  const std::string whole = content_of(recorded("version3.npy"));
  for (std::size_t size = 0; size < whole.size(); ++size) refused(whole.substr(0, size));
  CHECK(contains(refused(whole + "x"), "expected 24 bytes for [2, 3] of F32, got 25"));
  CHECK(contains(refused(""), "a NumPy array, version 1 to 3, got another file"));
  CHECK(contains(refused("\x93NUMPY\x04\0\0\0"s), "version 1 to 3"));
  CHECK(
      contains(refused("\x93NUMPY\x02\0\xff\xff\xff\xff"s), "a header of 4294967295 bytes, got 0"));
  const auto text = [&](const std::string& header) { return refused(npy(header, "1234")); };
  CHECK(contains(text(""), "expected '{' in the header, got its end"));
  CHECK(contains(text("{"), "expected words in quotes"));
  CHECK(contains(text("{'descr"), "a closing quote, got the end"));
  CHECK(contains(text("{'descr': '<f4'}"), "got no fortran_order"));
  CHECK(contains(text("{'descr': '', }"), "got ''"));
  CHECK(contains(text("{'descr': 'f4', }"), "got 'f4'"));
  CHECK(contains(text("{'more': 1}"), "shape, got 'more'"));
  CHECK(contains(text("{'fortran_order': 1}"), "True or False"));
  CHECK(contains(text("{'shape': 3}"), "expected '(' in the header, got '3'"));
  CHECK(contains(text("{'shape': (-3,)}"), "sizes below 2^63"));
  CHECK(contains(text("{'shape': (99999999999999999999,)}"), "sizes below 2^63"));
  CHECK(contains(text("{'shape': (1,1,1,1,1,1,1,1,1)}"), "at most 8 dimensions"));
  const auto of_shape = [&](const std::string& shape) {
    return text("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }");
  };
  CHECK(contains(of_shape("(4294967296, 4294967296)"), "expected at most 2^48 elements"));
  CHECK(contains(of_shape("(2,)"), "expected 8 bytes for [2] of F32, got 4"));
  CHECK(contains(of_shape("(1 2)"), "expected ')' in the header, got '2'"));
  CHECK(contains(text("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x"),
                 "the end of the header, got 'x'"));
}
