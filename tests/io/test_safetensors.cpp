// What files in the format safetensors hold, and what is refused in one.

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <filesystem>

#include "io/support.h"
#include "reel/base/detail/sha256.h"
#include "reel/io/detail/safetensors.h"
#include "reel/io/load.h"
#include "reel/io/tensor_file.h"
#include "reel/ops/create/create.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::testing;

namespace {

/// The digest of a tensor's elements, every NaN as the same.
std::string digest(const Tensor& tensor) {
  auto* const values = tensor.data_ptr<float>();
  for (Size i = 0; i < tensor.numel(); ++i) {
    if (std::isnan(values[i])) values[i] = std::bit_cast<float>(0x7fc00000u);
  }
  return reel::detail::sha256(bytes_of(tensor));
}

template <class Code>
std::string all_codes() {
  std::vector<Code> codes(std::size_t{1} << (8 * sizeof(Code)));
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<Code>(i);
  return bytes_of(codes);
}

Tensor load_only(const TempFolder& folder, const std::string& file) {
  return io::load_tensor(folder.write("x.safetensors", file));
}

std::string refusal(const TempFolder& folder, const std::string& file) {
  const std::string path = folder.write("x.safetensors", file);
  const std::string text = error_of([&] { io::load_state_dict(path); });
  CHECK(contains(text, "[io::load] expected "));
  CHECK(contains(text, "(" + path));
  CHECK(error_of([&] { io::TensorFile opened{path}; }) ==
        "[TensorFile]" + text.substr(std::string("[io::load]").size()));
  return text;
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return '"' + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" +
         offsets + '}';
}

}  // namespace

TEST_CASE("every element type of the format loads as the dtype that holds it") {
  const StateDict state = io::load_state_dict(recorded("types.safetensors"));
  CHECK(state.size() == 19);
  const Tensor values = tensor({{0.0, 1.0, 2.0}, {3.0, 0.5, 1.5}});
  for (const char* name : {"bf16", "f8_e4m3", "f8_e5m2", "f8_e4m3fnuz", "f8_e5m2fnuz"}) {
    CAPTURE(name);
    CHECK(same_bits(state.at(name), values.to(float32)));
  }
  for (const char* name : {"f32", "f16"}) {
    CAPTURE(name);
    CHECK(same_bits(state.at(name), values.to(float32).neg()));
  }
  CHECK(same_bits(state.at("f64"), values.to(float64)));
  const Tensor whole = tensor({{0, 1, 2}, {3, 100, 127}}).to(int64);
  CHECK(same_bits(state.at("i64"), whole.neg()));
  for (const char* name : {"i32", "i16", "i8"}) {
    CAPTURE(name);
    CHECK(same_bits(state.at(name), whole.neg().to(int32)));
  }
  CHECK(same_bits(state.at("u8"), whole.to(uint8)));
  CHECK(same_bits(state.at("u16"), whole.to(int32)));
  CHECK(same_bits(state.at("u32"), whole));
  CHECK(same_bits(state.at("u64"), whole));
  CHECK(same_bits(state.at("bool"), values.gt(1)));
  CHECK(same_bits(state.at("number"), Tensor(2.5).to(float32)));
  CHECK(state.at("empty").shape() == Shape{0, 3});
}

TEST_CASE("every code of the small floats is the float that PyTorch makes of it") {
  const TempFolder folder;
  const auto digest_of = [&](const std::string& type, const std::string& codes, int bytes) {
    const std::string n = std::to_string(codes.size() / static_cast<std::size_t>(bytes));
    const std::string offsets = "[0," + std::to_string(codes.size()) + "]";
    return digest(load_only(
        folder, safetensors('{' + entry("x", type, '[' + n + ']', offsets) + '}', codes)));
  };
  const std::string bytes = all_codes<std::uint8_t>(), halves = all_codes<std::uint16_t>();
  // python tests/io/data/make.py
  CHECK(digest_of("F16", halves, 2) ==
        "385ff5fe69182797cda5f1827e20cf423f4416bc9246f27d0eec27cac9039259");
  CHECK(digest_of("BF16", halves, 2) ==
        "f12e27efe34841dfd6391497b86f389096b03a376586e1d9691bba0a8de3980a");
  CHECK(digest_of("F8_E4M3", bytes, 1) ==
        "422eccfaa21e72a6b26855bb10cdcfead6c1ce3262ecd813c99d8cbf9677f2e2");
  CHECK(digest_of("F8_E5M2", bytes, 1) ==
        "229a94c5f728edf2259da970a0e1dfb45cc1d69cce2b30e37659f3212ec4b8b9");
  CHECK(digest_of("F8_E4M3FNUZ", bytes, 1) ==
        "ac4866f772a7c08077713fde1fa54131d49c26339c885e971a24fc0fac6e33f4");
  CHECK(digest_of("F8_E5M2FNUZ", bytes, 1) ==
        "aac12d2730bf26ca53bfa107a7a6a8df192aba8cf58b971eec9126f83991e6d4");
  CHECK(digest_of("F8_E8M0", bytes, 1) ==
        "2fb2732a956043772ccd2c1664ae5d2558c62f9c06780c04d95f1ff0050f2f2f");
}

TEST_CASE("integers that no tensor holds, and bools of other bytes, are errors") {
  const TempFolder folder;
  const std::string most = bytes_of<std::uint64_t>({5, (1ull << 63) - 1});
  CHECK(same_bits(
      load_only(folder, safetensors("{" + entry("x", "U64", "[2]", "[0,16]") + "}", most)),
      tensor({std::int64_t{5}, std::numeric_limits<std::int64_t>::max()})));
  const std::string more = bytes_of<std::uint64_t>({5, 1ull << 63});
  CHECK_ERROR(load_only(folder, safetensors("{" + entry("x", "U64", "[2]", "[0,16]") + "}", more)),
              "[io::load] expected elements of U64 that int64 holds, got another at position 1 of "
              "tensor \"x\" (");
  CHECK_ERROR(load_only(folder, safetensors("{" + entry("x", "BOOL", "[3]", "[0,3]") + "}",
                                            std::string("\0\1\2", 3))),
              "expected elements of BOOL that bool holds, got another at position 2");
  CHECK(same_bits(load_only(folder, safetensors("{" + entry("x", "I16", "[2]", "[0,4]") + "}",
                                                bytes_of<std::int16_t>({-32768, 32767}))),
                  tensor({-32768, 32767}).to(int32)));
}

TEST_CASE("a conversion of many pieces is whole") {
  const TempFolder folder;
  std::vector<std::uint16_t> codes(3'000'001);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint16_t>(i * 7);
  const std::string data = bytes_of(codes);
  const Tensor x = load_only(
      folder, safetensors("{" + entry("x", "U16", "[3000001]", "[0,6000002]") + "}", data));
  const auto* values = x.data_ptr<std::int32_t>();
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < codes.size(); ++i) wrong += values[i] != codes[i];
  CHECK(wrong == 0);
}

TEST_CASE("a model in several files is one by its index") {
  const StateDict whole = io::load_state_dict(recorded("mlp.safetensors"));
  const std::string path = recorded("sharded/mlp.safetensors.index.json");
  const StateDict sharded = io::load_state_dict(path);
  CHECK(sharded.size() == 4);
  for (const auto& [name, tensor] : whole) CHECK(same_bits(sharded.at(name), tensor));
  const io::TensorFile file{path};
  CHECK(same_bits(file["2.bias"], whole.at("2.bias")));
  CHECK(file.metadata() == io::Metadata{{"total_size", "104"}});
}

TEST_CASE("an index and its files must agree") {
  const TempFolder folder;
  folder.write("a.safetensors", safetensors("{" + entry("a", "U8", "[1]", "[0,1]") + "}", "x"));
  folder.write("b.safetensors", safetensors("{" + entry("b", "U8", "[1]", "[0,1]") + "}", "x"));
  const auto refused = [&](const std::string& json) {
    const std::string path = folder.write("x.safetensors.index.json", json);
    const std::string text = error_of([&] { io::load_state_dict(path); });
    CHECK(contains(text, "[io::load] expected "));
    CHECK(contains(text, path));
    return text;
  };
  CHECK(contains(refused("{"), "an index in JSON, got an error ("));
  CHECK(contains(refused("[]"), "an index with a \"weight_map\", got none"));
  CHECK(contains(refused(R"({"weight_map":[]})"), "got none"));
  CHECK(contains(refused(R"({"weight_map":{"a":1}})"), "a file beside the index for \"a\", got 1"));
  CHECK(contains(refused(R"({"weight_map":{"a":"../a.safetensors"}})"),
                 "a file beside the index for \"a\", got \"../a.safetensors\""));
  CHECK(contains(refused(R"({"weight_map":{"a":{"b":{"c":{}}}}})"), "of 2 levels, got more"));
  CHECK(contains(refused(R"({"weight_map":{"c":"a.safetensors"}})"),
                 "the index to say that a.safetensors holds \"a\", got no such name"));
  CHECK(contains(refused(R"({"weight_map":{"a":"a.safetensors","b":"a.safetensors"}})"),
                 "expected tensor \"b\" in a.safetensors, got none"));
  CHECK(contains(refused(R"({"weight_map":{"a":"b.safetensors","b":"b.safetensors"}})"),
                 "expected tensor \"a\" in b.safetensors, got none"));
  CHECK_ERROR(io::load_state_dict(folder.write("x.safetensors.index.json",
                                               R"({"weight_map":{"c":"c.safetensors"}})")),
              "expected a readable file, got \"No such file or directory\" (" + folder.path());
}

TEST_CASE("a file that is not of the format is refused with the place and the reason") {
  const TempFolder folder;
  const auto refused = [&](const std::string& file) { return refusal(folder, file); };
  CHECK(contains(refused(""), "8 bytes that say how long the header is, got 0"));
  CHECK(contains(refused("1234567"), "got 7"));
  CHECK(contains(refused(safetensors("{}").substr(0, 9)),
                 "how long its header is, at most 1, got 2 ("));
  const std::uint64_t huge = std::uint64_t{1} << 60;
  CHECK(contains(refused(bytes_of<std::uint64_t>({huge}) + "{}"),
                 "at most 2, got 1152921504606846976"));
  CHECK(contains(refused(safetensors("")), "expected a header in JSON, got "));
  CHECK(contains(refused(safetensors("{\"a\"")), "offset 12)"));
  CHECK(contains(refused(safetensors("{} x")), "expected a header in JSON, got "));
  CHECK(contains(refused(safetensors("{\"\xff\":1}")), "expected a header in JSON, got "));
  CHECK(contains(refused(safetensors("[]")), "expected a header of tensors, got a list"));
  CHECK(
      contains(refused(safetensors(R"({"a":1})")), "expected a header of tensors, got 1 as \"a\""));
  CHECK(contains(refused(safetensors(std::string(1'000'000, '['))), "got a list"));
  CHECK(contains(refused(safetensors(R"({"__metadata__":{"a":1}})")),
                 "expected words as metadata \"a\", got 1"));
  CHECK(contains(refused(safetensors(R"({"__metadata__":{"a":{}}})")), "got an object"));
  CHECK(contains(refused(safetensors("{" + entry("a", "F4", "[2]", "[0,1]") + "}", "x")),
                 "expected a dtype of BOOL, U8, "));
  CHECK(contains(refused(safetensors("{" + entry("a", "C64", "[1]", "[0,8]") + "}", "12345678")),
                 "got \"C64\" for tensor \"a\""));
  CHECK(contains(refused(safetensors(R"({"a":{"dtype":"U8","shape":[1]}})", "x")),
                 "dtype, shape and data_offsets of tensor \"a\", got no data_offsets"));
  CHECK(contains(refused(safetensors(R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", "x")),
                 "got no shape"));
  CHECK(contains(refused(safetensors(R"({"a":{"shape":[1],"data_offsets":[0,1]}})", "x")),
                 "got no dtype"));
  CHECK(contains(refused(safetensors(R"({"a":{"strides":[1]}})", "x")), "got \"strides\": a list"));
  CHECK(contains(refused(safetensors("{" + entry("a", "U8", "[-1]", "[0,1]") + "}", "x")),
                 "expected whole numbers below 2^63 as shape of tensor \"a\", got -1"));
  CHECK(contains(refused(safetensors("{" + entry("a", "U8", "[1.5]", "[0,1]") + "}", "x")),
                 "got 1.5"));
  CHECK(contains(refused(safetensors("{" + entry("a", "U8", "[[1]]", "[0,1]") + "}", "x")),
                 "got a list"));
  CHECK(
      contains(refused(safetensors(
                   "{" + entry("a", "U8", "[633825300114114700748351602688]", "[0,1]") + "}", "x")),
               "got 633825300114114700748351602688"));
  CHECK(contains(
      refused(safetensors("{" + entry("a", "U8", "[4294967296,4294967296]", "[0,0]") + "}")),
      "expected at most 2^48 elements, got [4294967296, 4294967296] of U8 in tensor \"a\""));
  CHECK(contains(
      refused(safetensors("{" + entry("a", "U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") + "}", "x")),
      "expected at most 8 dimensions, got more for tensor \"a\""));
  CHECK(contains(refused(safetensors("{" + entry("a", "U8", "[1]", "[0,1,2]") + "}", "x")),
                 "expected two data_offsets of tensor \"a\", got 3"));
  CHECK(contains(refused(safetensors("{" + entry("a", "F32", "[2]", "[0,4]") + "}", "1234")),
                 "expected 8 bytes for [2] of F32 in tensor \"a\", got data_offsets 0 to 4"));
  CHECK(contains(refused(safetensors("{" + entry("a", "U8", "[1]", "[1,0]") + "}", "x")),
                 "got data_offsets 1 to 0"));
  const std::string a = entry("a", "U8", "[2]", "[0,2]");
  CHECK(contains(refused(safetensors("{" + a + "," + a + "}", "12")),
                 "expected each name once, got \"a\" twice"));
  CHECK(
      contains(refused(safetensors("{" + a + "," + entry("b", "U8", "[2]", "[1,3]") + "}", "123")),
               "got an overlap at data_offsets 2: \"b\" begins at 1"));
  CHECK(
      contains(refused(safetensors("{" + a + "," + entry("b", "U8", "[1]", "[3,4]") + "}", "1234")),
               "got a hole at data_offsets 2: \"b\" begins at 3"));
  CHECK(contains(refused(safetensors("{" + a + "}", "1")),
                 "expected 2 bytes of tensors behind the header, got 1 ("));
  CHECK(contains(refused(safetensors("{" + a + "}", "123")), "expected 2 bytes of tensors behind"));
}

TEST_CASE("a file that is cut between its opening and its reading is an error") {
  const TempFolder folder;
  const std::string path = folder.write("x.safetensors", content_of(recorded("mlp.safetensors")));
  const auto reader = io::detail::read_safetensors("test", path);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 40);
  std::string text;
  for (std::size_t i = 0; i < reader->tensors().size(); ++i) {
    if (reader->tensors()[i].name == "2.weight") text = error_of([&] { reader->read(i); });
  }
  CHECK(contains(text,
                 "[test] expected 32 bytes, got the end of the file after 0 of tensor "
                 "\"2.weight\" (" +
                     path + ", offset "));
}

TEST_CASE("a recorded file cut anywhere is refused") {
  const TempFolder folder;
  const std::string whole = content_of(recorded("mlp.safetensors"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string path = folder.write("cut.safetensors", whole.substr(0, size));
    CHECK_THROWS_AS(io::load_state_dict(path), Error);
  }
}
