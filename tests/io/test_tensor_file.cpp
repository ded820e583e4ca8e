#include "reel/io/tensor_file.h"

#include <doctest/doctest.h>

#include "io/support.h"
#include "reel/io/load.h"
#include "reel/io/save.h"
#include "reel/ops/create/create.h"
#include "reel/ops/pointwise/pointwise.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::testing;

TEST_CASE("a TensorFile tells what it holds") {
  const io::TensorFile file{recorded("types.safetensors")};
  CHECK(file.tensors().size() == 19);
  CHECK(file.metadata() == io::Metadata{{"format", "pt"}, {"said", "in \"words\", ñ"}});
  CHECK(file.contains("f16"));
  CHECK_FALSE(file.contains("f17"));
  for (const io::TensorInfo& tensor : file.tensors()) {
    if (tensor.name == "f16") {
      CHECK(tensor.stored_as == "F16");
      CHECK(tensor.dtype == float32);
      CHECK(tensor.converted);
      CHECK(tensor.shape == Shape{2, 3});
      CHECK(tensor.bytes == 12);
    }
    if (tensor.name == "f64" || tensor.name == "bool") CHECK_FALSE(tensor.converted);
  }
}

TEST_CASE("a TensorFile gives what load gives") {
  const std::string path = recorded("types.safetensors");
  const io::TensorFile file{path};
  for (const auto& entry : io::load_state_dict(path)) {
    const std::string& name = entry.first;
    CAPTURE(name);
    CHECK(same_bits(file[name], entry.second));
  }
}

TEST_CASE("tensors of a TensorFile share its memory and keep it; the file stays as it is") {
  const TempFolder folder;
  const std::string path = folder / "x.safetensors";
  io::save(StateDict{{"a", ones({2, 3})}, {"b", zeros({4}, {.dtype = int64})}}, path);
  const std::string before = content_of(path);
  Tensor a, again;
  {
    const io::TensorFile file{path};
    a = file["a"];
    again = file["a"];
  }
  CHECK(a.data_ptr<float>() == again.data_ptr<float>());
  a.fill_(5);
  CHECK(same_bits(again, full({2, 3}, 5.0f)));
  CHECK(content_of(path) == before);
  CHECK(same_bits(io::load_state_dict(path).at("a"), ones({2, 3})));
}

TEST_CASE("a file that is saved anew leaves the tensors of the old one in peace") {
  const TempFolder folder;
  const std::string path = folder / "x.safetensors";
  io::save(ones({1000}), path);
  const io::TensorFile file{path};
  io::save(zeros({1}), path);
  CHECK(same_bits(file["x"], ones({1000})));
}

TEST_CASE("elements at an odd place are copied") {
  const TempFolder folder;
  const std::string json = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                           R"("b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}})";
  const io::TensorFile file{
      folder.write("x.safetensors", safetensors(json, "x" + bytes_of<float>({1.5f, 2.5f})))};
  CHECK(same_bits(file["b"], tensor({1.5f, 2.5f})));
}

TEST_CASE("a name that a file does not have, and another format, are errors") {
  const io::TensorFile file{recorded("mlp.safetensors")};
  CHECK_ERROR(file["fc1.weight"],
              "[TensorFile] expected one of 4 tensors, 0.bias, 0.weight, 2.bias, 2.weight, got "
              "\"fc1.weight\" (" +
                  recorded("mlp.safetensors") + ")");
  CHECK_ERROR(io::TensorFile{"x.pt"},
              "[TensorFile] expected a .safetensors or .safetensors.index.json file, got \"x.pt\"");
}
