// What torch.save wrote. data/make.py made the files.

#include <doctest/doctest.h>

#include "io/support.h"
#include "reel/io/detail/unpickler.h"
#include "reel/io/inspect.h"
#include "reel/io/load.h"
#include "reel/nn/nn.h"
#include "reel/ops/create/create.h"
#include "reel/ops/pointwise/pointwise.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::testing;
using namespace std::literals;

namespace {

std::string error_for(const std::string& pickle) {
  return error_of([&] { io::detail::unpickled("test", pickle, "x", "x.pt"); });
}

const std::string proto = "\x80\x02"s;

std::string global(const std::string& module, const std::string& name) {
  return 'c' + module + '\n' + name + '\n';
}
std::string word(const std::string& text) {
  return "\x8c"s + static_cast<char>(text.size()) + text;
}
std::string int32_of(std::int32_t value) { return 'J' + bytes_of<std::int32_t>({value}); }

/// A tensor of floats in a storage of `numel`.
std::string tensor_of(int numel, int offset, const std::string& sizes, const std::string& strides) {
  return global("torch._utils", "_rebuild_tensor_v2") + "((" + word("storage") +
         global("torch", "FloatStorage") + word("0") + word("cpu") + int32_of(numel) + "tQ" +
         int32_of(offset) + '(' + sizes + "t(" + strides + "t\x89}tR";
}

}  // namespace

TEST_CASE("tensors of PyTorch come with their layouts and types") {
  const StateDict loaded = io::load_state_dict(recorded("tensors.pt"));
  const StateDict expected = io::load_state_dict(recorded("tensors.safetensors"));
  CHECK(loaded.size() == expected.size());
  for (const auto& entry : expected) {
    const std::string& name = entry.first;
    CAPTURE(name);
    CHECK(same_bits(loaded.at(name), entry.second));
  }
  CHECK(loaded.at("turned").strides() == Strides{1, 6});
  CHECK(loaded.at("part").strides() == Strides{6, 2});
  CHECK(loaded.at("row").strides() == Strides{0});
}

TEST_CASE("tensors that shared a storage in PyTorch share memory") {
  const StateDict state = io::load_state_dict(recorded("tensors.pt"));
  state.at("whole").fill_(7);
  CHECK(same_bits(state.at("shared"), full({4, 6}, 7.0f)));
  CHECK(same_bits(state.at("part"), full({2, 3}, 7.0f)));
}

TEST_CASE("a model of PyTorch's own file gives PyTorch's outputs") {
  nn::Sequential net{nn::Linear{3, 4}, nn::Tanh{}, nn::Linear{4, 2}};
  io::load(net, recorded("mlp.pth"));
  const StateDict run = io::load_state_dict(recorded("mlp_run.safetensors"));
  const Tensor difference = (net(run.at("x")) - run.at("y")).abs().max();
  CHECK(difference.item() < 1e-6);
  CHECK(same_bits(io::load_tensor(recorded("weight.pt")), nn::state_dict(net).at("0.weight")));
  CHECK(io::load_state_dict(recorded("weight.pt")).contains("weight"));
}

TEST_CASE("layers of PyTorch with states of their own give PyTorch's outputs") {
  struct Layers {
    nn::Conv2d conv{2, 3, 3};
    nn::BatchNorm2d norm{3};
    nn::Embedding words{5, 4};
    nn::LSTM lstm{4, 6};
    nn::LayerNorm layer_norm{6};
    nn::MultiheadAttention attention{6, 2};
  } net;
  io::load(net, recorded("layers.pt"));
  nn::eval(net);
  const StateDict run = io::load_state_dict(recorded("layers_run.safetensors"));
  const Tensor seen = net.norm(net.conv(run.at("images")));
  const Tensor h = net.layer_norm(net.lstm(net.words(run.at("ids"))).output);
  CHECK((seen - run.at("seen")).abs().max().item() < 1e-6);
  CHECK((net.attention(h) - run.at("read")).abs().max().item() < 1e-6);
}

TEST_CASE("nested containers of every pickle protocol become names with dots") {
  const StateDict model = io::load_state_dict(recorded("mlp.pth"));
  for (const char* name :
       {"checkpoint_2.pt", "checkpoint_3.pt", "checkpoint_4.pt", "checkpoint_5.pt"}) {
    CAPTURE(name);
    const StateDict state = io::load_state_dict(recorded(name));
    for (const auto& [key, tensor] : model) CHECK(same_bits(state.at("model." + key), tensor));
    CHECK(same_bits(state.at("epoch"), full({}, 3, {.dtype = int64})));
    CHECK(state.at("step").item<std::int64_t>() == std::int64_t{1} << 40);
    CHECK(state.at("below").item<std::int64_t>() == -(std::int64_t{1} << 33));
    CHECK(same_bits(state.at("loss"), full({}, 0.25, {.dtype = float64})));
    CHECK(same_bits(state.at("best"), full({}, true, {.dtype = bool_})));
    CHECK(state.at("size.1").item() == 3);
    CHECK(state.at("places.0").item() + state.at("places.1").item() == 15);
    CHECK(state.at("states.0.step").item() == 1);
    CHECK(state.at("states.1.0.1").item() == 2.5);
    CHECK(state.size() == 4 + 5 + 2 + 2 + 3);
    const io::FileInfo info = io::inspect(recorded(name));
    CHECK(info.format == "PyTorch");
    CHECK(info.metadata ==
          io::Metadata{
              {"name", "ñ"}, {"nothing", "None"}, {"dtype", "torch.float16"}, {"device", "cpu"}});
  }
}

TEST_CASE("a model inside a checkpoint is taken by renaming") {
  nn::Sequential net{nn::Linear{3, 4}, nn::Tanh{}, nn::Linear{4, 2}};
  const io::LoadResult result =
      io::load(net, recorded("checkpoint_2.pt"), {.strict = false, .rename = {{"^model\\.", ""}}});
  CHECK(result.missing.empty());
  CHECK(result.unexpected.size() == 12);
  CHECK(same_bits(nn::state_dict(net).at("2.bias"),
                  io::load_state_dict(recorded("mlp.pth")).at("2.bias")));
}

TEST_CASE("a file that names what is no tensor and no container is refused, and nothing is run") {
  const std::string path = recorded("evil.pt");
  CHECK(
      error_of([&] { io::load_state_dict(path); }) ==
      "[io::load] expected tensors, numbers and words in dicts and lists, got posix.system, which "
      "is none and is not run (" +
          path +
          ", evil/data.pkl, offset 13)\n"
          "help: in Python, save the state_dict(), not the object");
  CHECK_ERROR(io::load_state_dict(recorded("model.pt")),
              "got torch.nn.modules.container.Sequential");
  CHECK_ERROR(io::load_state_dict(recorded("numpy.pt")), "got numpy._core.multiarray.scalar");
  CHECK_ERROR(io::load_state_dict(recorded("complex.pt")), "got torch.ComplexFloatStorage");
  CHECK_ERROR(io::load_state_dict(recorded("legacy.pt")),
              "expected a zip archive, as torch.save has written since 1.6, got an older file (");
}

TEST_CASE("a zip archive that is damaged or of others is refused") {
  const TempFolder folder;
  const std::string whole = content_of(recorded("mlp.pth"));
  CHECK_ERROR(io::load_state_dict(folder.write("x.pt", "")),
              "[io::load] expected a zip archive, got");
  for (std::size_t size = 1; size < whole.size(); size += 7) {
    CHECK_THROWS_AS(io::load_state_dict(folder.write("x.pt", whole.substr(0, size))), Error);
  }
  std::string damaged = whole;  // one bit of a weight
  const std::size_t at =
      whole.find(bytes_of(io::load_state_dict(recorded("mlp.pth")).at("0.weight")));
  REQUIRE(at != whole.npos);
  damaged[at] ^= 1;
  CHECK_ERROR(io::load_state_dict(folder.write("x.pt", damaged)),
              "[io::load] expected intact data of \"mlp/data/0\", got \"CRC error\" (");
}

TEST_CASE("a pickle's tensors stay inside their storages") {
  const auto accepted = [](const std::string& tensor) {
    return io::detail::unpickled("test", proto + tensor + '.', "x", "x.pt").entries.size() == 1;
  };
  CHECK(accepted(tensor_of(6, 0, "K\x02K\x03", "K\x03K\x01")));
  CHECK(accepted(tensor_of(6, 5, "K\x01", "K\x09")));
  CHECK(accepted(tensor_of(6, 6, "K\0"s, "K\x01")));
  CHECK(accepted(tensor_of(1, 0, int32_of(1 << 30), "K\0"s)));
  const auto outside = [](const std::string& tensor) {
    return contains(error_for(proto + tensor + '.'), "expected a tensor inside its storage of ");
  };
  CHECK(outside(tensor_of(6, 1, "K\x02K\x03", "K\x03K\x01")));
  CHECK(outside(tensor_of(6, 6, "K\x01", "K\x01")));
  CHECK(outside(tensor_of(6, 7, "K\0"s, "K\x01")));
  CHECK(outside(tensor_of(6, -1, "K\x01", "K\x01")));
  CHECK(outside(tensor_of(0, 0, "", "")));
  CHECK(outside(tensor_of(6, 0, "K\x03", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f")));
  CHECK(
      contains(error_for(proto + tensor_of(6, 0, "K\x02", "") + '.'), "as many strides as sizes"));
  CHECK(contains(error_for(proto + tensor_of(6, 0, int32_of(-1), "K\x01") + '.'),
                 "expected sizes of at least 0, got -1"));
  CHECK(contains(
      error_for(proto + tensor_of(1, 0, int32_of(1 << 30) + int32_of(1 << 30), "K\0K\0"s) + '.'),
      "expected at most 2^48 elements"));
  CHECK(contains(error_for(proto + tensor_of(-1, 0, "K\x01", "K\x01") + '.'),
                 "expected a storage of at least 0 elements, got -1"));
}

TEST_CASE("a pickle that is cut, damaged or a trap is refused with the place") {
  CHECK(error_for("") == "[test] expected 1 more bytes of a pickle, got its end (x.pt, offset 0)");
  CHECK(error_for("\x80\x01") == "[test] expected pickle protocol 2 to 5, got 1 (x.pt, offset 0)");
  CHECK(contains(error_for(proto + "\xff"), "got opcode 0xff (x.pt, offset 2)"));
  CHECK(contains(error_for(proto + "X\xff\xff\xff\xff"), "expected 4294967295 more bytes"));
  CHECK(contains(error_for(proto + "."), "expected a value on the pickle's stack, got none"));
  CHECK(contains(error_for(proto + "K\x01(0"), "expected a value on the pickle's stack"));
  CHECK(contains(error_for(proto + "t"), "expected a mark"));
  CHECK(contains(error_for(proto + "h\x05"), "expected memo 5 to be set"));
  CHECK(contains(error_for(proto + "K\x01K\x02"
                                   "a"),
                 "expected a list as a container to fill, got an"));
  CHECK(contains(error_for(proto + "}(K\x01u"), "keys and values in pairs"));
  CHECK(contains(error_for(proto + "}NK\x01s."), "words or integers as keys, got None"));
  CHECK(contains(error_for(proto + "}K\x01K\x01sK\x01K\x02s."), "each name once, got \"1\" twice"));
  CHECK(contains(error_for(proto + "\x8a\x09"), "integers of at most 8 bytes, got one of 9"));
  CHECK(
      contains(error_for(proto + "K\x01)R"), "expected a global as what to call, got an integer"));
  CHECK(contains(error_for(proto + global("torch", "FloatStorage") + ")R"),
                 "expected something to call, got torch.FloatStorage"));
  CHECK(contains(error_for(proto + global("torch._utils", "_rebuild_tensor_v2") + ")R"),
                 "expected at least 4 arguments of torch._utils._rebuild_tensor_v2, got 0"));
  CHECK(
      contains(error_for(proto + global("torch", "FloatStorage") + '.'), "got a global as \"x\""));
  CHECK(contains(error_for(proto + ")Q"), "got 0 values"));
  CHECK(contains(error_for(proto + "K\x01K\x02"
                                   "b"),
                 "expected a dict as what has attributes"));
  CHECK(contains(error_for(proto + "]q\x01h\x01"
                                   "a."),
                 "containers at most 64 deep"));  // in itself
  // Each of 40 lists holds the one before twice: 2^40 ways to the innermost.
  std::string doubled = proto + "]q\0"s;
  for (char i = 1; i < 40; ++i) {
    doubled += "](h"s + static_cast<char>(i - 1) + 'h' + static_cast<char>(i - 1) + "eq" + i;
  }
  CHECK(contains(error_for(doubled + '.'), "expected values once each, got some very often"));
}
