// load_state_dict over any safetensors files: tensors or an Error. What was loaded, a TensorFile
// gives too, and it is saved and loaded again. An input is a file as it is, or a header and how
// many bytes lie behind it, or an index of files that are not there.

#include <cstring>
#include <optional>
#include <string>

#include "fuzz/byte_reader.h"
#include "fuzz/demand.h"
#include "fuzz/memory_file.h"
#include "fuzz/stored_tensors.h"
#include "reel/io/tensor_file.h"

using namespace reel;
using namespace reel::testing;

namespace {

enum class Form { header, file, index };

Form form_of(ByteReader& input) {
  const std::size_t how = input.below(8);
  return how == 7 ? Form::file : (how == 6 ? Form::index : Form::header);
}

std::string file_of(Form form, ByteReader& input) {
  if (form != Form::header) return input.text(input.left());
  std::uint16_t data_bytes = 0;
  input.read(&data_bytes, 2);
  const std::string header = input.text(input.left());
  const std::uint64_t length = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  file += header;
  for (int i = 0; i < data_bytes; ++i) file += static_cast<char>(i * 37);
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile in, out;
  static const LinkTo in_link(in, "in.safetensors"), index(in, "in.safetensors.index.json"),
      out_link(out, "out.safetensors");
  ByteReader input(data, size);
  const Form form = form_of(input);
  in.fill(file_of(form, input));
  if (form == Form::index) {
    const std::optional<StateDict> none = loaded(index.path());
    DEMAND(!none || none->empty());
    return 0;
  }
  const std::optional<StateDict> state = loaded(in_link.path());
  if (!state) return 0;
  const io::TensorFile mapped{in_link.path()};
  for (const auto& [name, tensor] : *state) DEMAND(same_bits(tensor, mapped[name]));
  if (state->contains("__metadata__")) return 0;
  demand_that_it_travels(*state, in_link.path(), out, out_link.path());
  return 0;
}
