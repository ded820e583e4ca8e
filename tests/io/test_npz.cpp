// NumPy's archives of named arrays. data/make.py made the recorded ones.

#include <doctest/doctest.h>

#include "io/support.h"
#include "reel/io/inspect.h"
#include "reel/io/load.h"
#include "reel/io/save.h"
#include "reel/nn/nn.h"
#include "reel/ops/create/create.h"
#include "reel/ops/create/random.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::testing;

TEST_CASE("archives of NumPy load, stored and compressed, of every type and order") {
  const StateDict expected = io::load_state_dict(recorded("arrays.safetensors"));
  for (const char* name : {"arrays.npz", "arrays_packed.npz"}) {
    CAPTURE(name);
    const StateDict loaded = io::load_state_dict(recorded(name));
    CHECK(loaded.size() == expected.size());
    for (const auto& entry : expected) {
      const std::string& key = entry.first;
      CAPTURE(key);
      CHECK(same_bits(loaded.at(key), entry.second));
    }
  }
}

TEST_CASE("what is saved as .npz is loaded bit for bit and in its order") {
  const TempFolder folder;
  const std::string path = folder / "net.npz";
  nn::Sequential net{nn::Conv2d{1, 2, 3}, nn::BatchNorm2d{2}, nn::Linear{3, 4}};
  io::save(net, path);
  nn::Sequential other = nn::clone(net);
  for (const auto& [name, tensor] : nn::state_dict(other)) tensor.zero_();
  io::load(other, path);
  const StateDict state = nn::state_dict(net);
  for (const auto& [name, tensor] : nn::state_dict(other)) CHECK(same_bits(tensor, state.at(name)));

  const StateDict mixed{
      {"ñ", tensor({true})}, {"a/b", zeros({0})}, {"", Tensor(1.5)}, {"turned", randn({2, 3}).t()}};
  io::save(mixed, path);
  const StateDict loaded = io::load_state_dict(path);
  CHECK(loaded.begin()->first == "ñ");
  for (const auto& [name, tensor] : mixed) CHECK(same_bits(loaded.at(name), tensor));
  io::save(StateDict(), path);
  CHECK(io::load_state_dict(path).empty());
  CHECK(folder.entries() == 1);
}

TEST_CASE("an archive that is cut, damaged or of other things is refused") {
  const TempFolder folder;
  for (const char* name : {"arrays.npz", "arrays_packed.npz"}) {
    const std::string whole = content_of(recorded(name));
    for (std::size_t size = 0; size < whole.size(); size += 61) {
      CHECK_THROWS_AS(io::load_state_dict(folder.write("x.npz", whole.substr(0, size))), Error);
    }
  }
  std::string damaged = content_of(recorded("arrays.npz"));
  damaged[damaged.find(bytes_of<float>({0, 1, 2, 3, 4, 5})) + 5] ^= 1;
  CHECK_ERROR(io::load_state_dict(folder.write("x.npz", damaged)),
              "expected intact data of \"matrix.npy\", got \"CRC error\" (");
  CHECK_ERROR(io::load_state_dict(folder.write("x.npz", content_of(recorded("mlp.pth")))),
              "expected entries of arrays, \"x.npy\", got \"mlp/data.pkl\" (");
  const std::string long_name(70'000, 'a');
  CHECK_ERROR(io::save({{long_name, ones({1})}}, folder / "y.npz"),
              "[io::save] expected names of less than 65535 bytes, got 70004");
}
