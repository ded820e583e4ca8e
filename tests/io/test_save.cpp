#include "reel/io/save.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <chrono>
#include <random>
#include <thread>

#include "io/support.h"
#include "reel/io/load.h"
#include "reel/io/tensor_file.h"
#include "reel/nn/nn.h"
#include "reel/ops/create/create.h"
#include "reel/ops/create/random.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/optim/optim.h"
#include "support/faults.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::testing;

namespace {

struct Net {
  nn::Conv2d conv{1, 2, 3};
  nn::BatchNorm2d norm{2};
  nn::Linear out{2, 3};
};

std::vector<std::string> names(const StateDict& state) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : state) result.push_back(name);
  return result;
}

void check_same(const StateDict& a, const StateDict& b) {
  CHECK(names(a) == names(b));
  for (const std::string& name : names(a)) {
    CAPTURE(name);
    CHECK(same_bits(a.at(name), b.at(name)));
  }
}

}  // namespace

TEST_CASE("what is saved of a model is loaded, bit for bit and in its order") {
  const TempFolder folder;
  const std::string path = folder / "net.safetensors";
  const Net net;
  io::save(net, path);
  check_same(io::load_state_dict(path), nn::state_dict(net));
  Net other;
  CHECK(!same_bits(other.out.weight, net.out.weight));
  io::load(other, path);
  check_same(nn::state_dict(other), nn::state_dict(net));
  CHECK(folder.entries() == 1);
}

TEST_CASE("a dictionary of all dtypes and shapes comes back, strided ones in row-major order") {
  const TempFolder folder;
  const std::string path = folder / "x.safetensors";
  const StateDict state{{"b", tensor({true, false, true})},
                        {"i", tensor({1, -2}).to(int32)},
                        {"turned", randn({3, 4}).t()},
                        {"u", tensor({7}).to(uint8)},
                        {"number", Tensor(2.5)},
                        {"long", Tensor(std::int64_t{-5})},
                        {"none", zeros({2, 0, 3})},
                        {"row", Tensor(1.5).to(float32).expand({4})},
                        {"learned", ones({2}, {.requires_grad = true})},
                        {"", ones({1})},
                        {"name \"in\" words, ñ\n", ones({1})}};
  io::save(state, path);
  const StateDict loaded = io::load_state_dict(path);
  check_same(loaded, state);
  CHECK(loaded.at("turned").is_contiguous());
  CHECK_FALSE(loaded.at("learned").requires_grad());
  io::save(StateDict(), path);
  CHECK(io::load_state_dict(path).empty());
}

TEST_CASE("the elements of a file lie where they can be used as they are") {
  const TempFolder folder;
  const std::string path = folder / "x.safetensors";
  io::save({{"u", ones({3}, {.dtype = uint8})},
            {"d", ones({3}, {.dtype = float64})},
            {"f", ones({1})},
            {"e", ones({5}, {.dtype = float64})}},
           path);
  const io::TensorFile file{path};
  for (const char* name : {"u", "d", "f", "e"}) {
    CAPTURE(name);
    const Tensor once = file[name], twice = file[name];
    CHECK(once.impl().data == twice.impl().data);
  }
}

TEST_CASE("an optimizer goes on from what was saved of it") {
  const TempFolder folder;
  const std::string path = folder / "adam.safetensors";
  const auto train = [](const Tensor& x, optim::Adam& adam, int steps) {
    for (int i = 0; i < steps; ++i) {
      x.set_grad(x.detach() * 2.0f + 1.0f);
      adam.step();
    }
  };
  const Tensor x = ones({3}, {.requires_grad = true});
  optim::Adam adam{{x}, {.lr = 0.1}};
  train(x, adam, 3);
  io::save(adam, path);
  const Tensor y = x.detach().clone().requires_grad_();
  optim::Adam other{{y}, {.lr = 0.5}};
  io::load(other, path);
  CHECK(other.lr() == 0.1);
  train(x, adam, 3);
  train(y, other, 3);
  CHECK(same_bits(x, y));
}

TEST_CASE("one tensor is saved under the name of its file") {
  const TempFolder folder;
  io::save(tensor({1.0f, 2.0f}), folder / "mean.safetensors");
  CHECK(same_bits(io::load_tensor(folder / "mean.safetensors"), tensor({1.0f, 2.0f})));
  CHECK(names(io::load_state_dict(folder / "mean.safetensors")) ==
        std::vector<std::string>{"mean"});
  io::save({{"a", ones({1})}, {"b", ones({1})}}, folder / "two.safetensors");
  CHECK_ERROR(io::load_tensor(folder / "two.safetensors"),
              "[io::load] expected a file of one tensor, got 2 (" + folder.path());
}

TEST_CASE("metadata says that names are PyTorch's, or what it is told") {
  const TempFolder folder;
  const std::string path = folder / "x.safetensors";
  io::save(ones({1}), path);
  CHECK(io::TensorFile{path}.metadata() == io::Metadata{{"format", "pt"}});
  const io::Metadata words{{"epoch", "3"}, {"said", "\"ñ\"\n"}};
  io::save(ones({1}), path, {.metadata = words});
  CHECK(io::TensorFile{path}.metadata() == words);
  io::save(ones({1}), path, {.metadata = {}});
  CHECK(io::TensorFile{path}.metadata().empty());
}

TEST_CASE("what cannot be saved is an error, and the old file stays") {
  const TempFolder folder;
  const std::string path = folder.write("x.safetensors", "old");
  CHECK_ERROR(io::save(StateDict{{"a", ones({1})}, {"b", Tensor()}}, path),
              "[io::save] expected tensors, got an undefined one as \"b\"");
  CHECK_ERROR(io::save(StateDict{{"\xff", ones({1})}}, path),
              "[io::save] expected names and metadata in UTF-8, got \"\\ufffd\"");
  CHECK_ERROR(io::save(StateDict{{"__metadata__", ones({1})}}, path),
              "[io::save] expected names of tensors, got \"__metadata__\"");
  CHECK_ERROR(io::save(ones({1}), folder / "none/x.safetensors"), "[io::save] expected to write");
  CHECK(content_of(path) == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("an ending that names no format is an error with those that do") {
  CHECK_ERROR(io::save(ones({1}), "net.weights"),
              "[io::save] expected a file whose name ends in one of .safetensors, .npz, .npy, "
              ".safetensors.index.json, got \"net.weights\"");
  CHECK_ERROR(io::save(ones({1}), "folder.safetensors/net"), "got \"folder.safetensors/net\"");
  CHECK_ERROR(io::load_state_dict("net.weights"),
              "[io::load] expected a file whose name ends in one of .safetensors, .npz, .npy, "
              ".safetensors.index.json, .pt, .pth, got \"net.weights\"");
}

TEST_CASE("a full disk leaves the old file") {
  const TempFolder folder;
  const std::string path = folder / "x.safetensors";
  io::save(ones({1000}), path);
  {
    const FilesOfAtMost small(100'000);
    CHECK_ERROR(io::save(zeros({100'000}), path), "[io::save] expected to write the file, got ");
  }
  CHECK(same_bits(io::load_tensor(path), ones({1000})));
  CHECK(folder.entries() == 1);
}

TEST_CASE("a kill at any moment leaves the old file or the new one") {
  const TempFolder folder;
  const std::string path = folder / "x.safetensors";
  const Tensor versions[] = {zeros({50'000}), ones({50'000})};
  io::save(versions[0], path);
  std::mt19937 random(1);
  for (int kill = 0; kill < 50; ++kill) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int i = 1;; ++i) io::save(versions[i % 2], path);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 5000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const Tensor left = io::load_tensor(path);
    const bool whole = same_bits(left, versions[0]) || same_bits(left, versions[1]);
    REQUIRE(whole);
  }
  io::save(versions[0], path);
  CHECK(folder.entries() == 1);
}

TEST_CASE("a model is saved in several files, with an index that names them") {
  const TempFolder folder;
  const std::string path = folder / "net.safetensors.index.json";
  const StateDict state{{"a", ones({10})}, {"b", zeros({5})}, {"c", ones({20})}, {"d", zeros({1})}};
  io::save(state, path, {.metadata = {{"said", "\"ñ\""}}, .max_shard_bytes = 60});
  CHECK(folder.entries() == 4);  // a and b, c alone is larger, d
  CHECK(names(io::load_state_dict(folder / "net-00001-of-00003.safetensors")) ==
        std::vector<std::string>{"a", "b"});
  CHECK(names(io::load_state_dict(folder / "net-00002-of-00003.safetensors")) ==
        std::vector<std::string>{"c"});
  check_same(io::load_state_dict(path), state);
  const io::Metadata words{{"said", "\"ñ\""}, {"total_size", "144"}};
  CHECK(io::TensorFile{path}.metadata() == words);
  CHECK_ERROR(io::save(state, path, {.max_shard_bytes = 0}),
              "[io::save] expected max_shard_bytes above 0, got 0");

  // Again: the old files go once the new index is there.
  const StateDict other{{"a", zeros({10})}, {"c", zeros({20})}, {"e", ones({1})}};
  io::save(other, path, {.max_shard_bytes = 60});
  check_same(io::load_state_dict(path), other);
  CHECK(folder.entries() == 4);
  io::save(StateDict(), path);
  CHECK(io::load_state_dict(path).empty());
  CHECK(folder.entries() == 2);
}

TEST_CASE("a model in several files is the old one or the new one, whatever happens") {
  const TempFolder folder;
  const std::string path = folder / "net.safetensors.index.json";
  const io::SaveOptions options{.max_shard_bytes = 4000};
  const auto version = [](float value) {
    return StateDict{{"a", full({1000}, value)}, {"b", full({1000}, value)}};
  };
  io::save(version(0), path, options);
  const std::string before = content_of(path);
  {
    const FilesOfAtMost small(1000);
    CHECK_ERROR(io::save(version(1), path, options), "[io::save] expected to write the file");
  }
  CHECK(content_of(path) == before);
  CHECK(folder.entries() == 3);
  const StateDict versions[] = {version(0), version(1)};
  std::mt19937 random(1);
  for (int kill = 0; kill < 20; ++kill) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int i = 1;; ++i) io::save(versions[i % 2], path, options);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 5000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const StateDict left = io::load_state_dict(path);
    const bool one = same_bits(left.at("a"), left.at("b"));
    REQUIRE(one);
  }
}
