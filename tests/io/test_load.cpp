#include "reel/io/load.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "io/support.h"
#include "reel/nn/nn.h"
#include "reel/ops/create/create.h"
#include "support/compare.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::testing;

namespace {
auto mlp() { return nn::Sequential{nn::Linear{3, 4}, nn::Tanh{}, nn::Linear{4, 2}}; }
const std::vector<std::string> none;
}  // namespace

TEST_CASE("a model of PyTorch gives PyTorch's outputs") {
  auto net = mlp();
  const io::LoadResult result = io::load(net, recorded("mlp.safetensors"));
  CHECK(result.missing == none);
  CHECK(result.unexpected == none);
  CHECK(result.converted == none);
  const StateDict run = io::load_state_dict(recorded("mlp_run.safetensors"));
  CHECK(testing::close(net(run.at("x")), run.at("y"), 1e-6));
}

TEST_CASE("patterns rename the tensors of a file") {
  auto net = mlp(), renamed = mlp();
  io::load(net, recorded("mlp.safetensors"));
  io::load(renamed, recorded("mlp_parallel.safetensors"), {.rename = {{"^module\\.", ""}}});
  CHECK(same_bits(nn::state_dict(renamed).at("2.weight"), nn::state_dict(net).at("2.weight")));
  const StateDict turned =
      io::load_state_dict(recorded("mlp_parallel.safetensors"),
                          {{"module\\.(\\d)\\.(\\w+)", "$2_$1"}, {"weight", "w"}});
  CHECK(turned.contains("w_2"));
  CHECK(turned.contains("bias_0"));
}

TEST_CASE("renaming refuses patterns that are none and names that meet") {
  const std::string path = recorded("mlp.safetensors");
  CHECK_ERROR(io::load_state_dict(path, {{"(", ""}}),
              "[io::load] expected a regular expression to rename by, got \"(\": ");
  CHECK_ERROR(io::load_state_dict(path, {{"^\\d\\.", ""}}),
              "expected names that differ after renaming, got \"0.bias\" and \"2.bias\" as "
              "\"bias\" (" +
                  path + ")");
  const TempFolder folder;
  const std::string name(5000, 'a');
  const std::string file = folder.write(
      "x.safetensors",
      safetensors("{\"" + name + R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x"));
  CHECK(io::load_state_dict(file).contains(name));
  CHECK_ERROR(io::load_state_dict(file, {{"(a|b)*c", ""}}),
              "expected names of at most 4096 bytes to rename, got 5000");
}

TEST_CASE("missing, unexpected and misshapen tensors are reported together and change nothing") {
  const std::string path = recorded("mlp.safetensors");
  nn::Sequential net{nn::Linear{3, 5}, nn::Linear{5, 2}};
  const StateDict before = nn::state_dict(nn::clone(net));
  CHECK(error_of([&] { io::load(net, path); }) ==
        "[io::load] expected the module's names, shapes and dtypes, got (" + path +
            ")\n"
            "  missing: 1.weight, 1.bias\n"
            "  unexpected: 2.bias, 2.weight\n"
            "  0.weight: expected float32 [5, 3], got float32 [4, 3]\n"
            "  0.bias: expected float32 [5], got float32 [4]");
  for (const auto& [name, tensor] : nn::state_dict(net)) CHECK(same_bits(tensor, before.at(name)));
}

TEST_CASE("a lenient load fills what has the same name and says what it left") {
  nn::Sequential net{nn::Linear{3, 4}, nn::Linear{4, 4}};
  const Tensor second = nn::state_dict(net).at("1.weight").detach().clone();
  const io::LoadResult result = io::load(net, recorded("mlp.safetensors"), {.strict = false});
  CHECK(result.missing == std::vector<std::string>{"1.weight", "1.bias"});
  CHECK(result.unexpected == std::vector<std::string>{"2.bias", "2.weight"});
  const StateDict file = io::load_state_dict(recorded("mlp.safetensors"));
  CHECK(same_bits(nn::state_dict(net).at("0.weight"), file.at("0.weight")));
  CHECK(same_bits(nn::state_dict(net).at("1.weight"), second));
}

TEST_CASE("types that Reel does not have are converted to the module's, and named") {
  auto net = mlp();
  const std::vector<std::string> expected{"0.weight: BF16 to float32", "0.bias: BF16 to float32",
                                          "2.weight: BF16 to float32", "2.bias: BF16 to float32"};
  CHECK(io::load(net, recorded("mlp_bf16.safetensors")).converted == expected);
  auto wide = mlp();
  nn::to(wide, float64);
  CHECK(io::load(wide, recorded("mlp_bf16.safetensors")).converted[0] ==
        "0.weight: BF16 to float64");
  CHECK(same_bits(nn::state_dict(wide).at("0.weight"),
                  nn::state_dict(net).at("0.weight").to(float64)));
  // float32 is a type of Reel's: whether to convert it is the user's to say.
  CHECK_ERROR(io::load(wide, recorded("mlp.safetensors")),
              "0.weight: expected float64 [4, 3], got float32 [4, 3]");
}

TEST_CASE("a file that is cut while it is read is an error, and the module as before") {
  const TempFolder folder;
  const std::string path = folder / "net.safetensors";
  io::save(ones({10}), path);
  auto net = mlp();
  CHECK_ERROR(io::load(net, folder / "none.safetensors"),
              "[io::load] expected a readable file, got \"No such file or directory\"");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  CHECK_ERROR(io::load(net, path), "expected 40 bytes of tensors behind the header, got 39 (");
}
