// load_state_dict over any files of a NumPy array: a tensor or an Error, and what was loaded is
// saved and loaded again. An input is a file as it is, or the text of a header and how many bytes
// lie behind it.

#include <cstring>
#include <optional>
#include <string>

#include "fuzz/byte_reader.h"
#include "fuzz/memory_file.h"
#include "fuzz/stored_tensors.h"

using namespace reel;
using namespace reel::testing;

namespace {

std::string file_of(ByteReader& input) {
  const std::size_t how = input.below(8);
  if (how == 7) return input.text(input.left());
  std::uint16_t data_bytes = 0;
  input.read(&data_bytes, 2);
  const std::string text = input.text(input.left());
  const auto length = static_cast<std::uint32_t>(text.size());
  const bool long_form = how == 6;
  std::string file = "\x93NUMPY";
  file += long_form ? '\2' : '\1';
  file += '\0';
  file.append(reinterpret_cast<const char*>(&length), long_form ? 4 : 2);
  file += text;
  for (int i = 0; i < data_bytes; ++i) file += static_cast<char>(i * 37);
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile in, out;
  static const LinkTo in_link(in, "in.npy"), out_link(out, "in.npy");
  ByteReader input(data, size);
  in.fill(file_of(input));
  const std::optional<StateDict> state = loaded(in_link.path());
  if (state) demand_that_it_travels(*state, in_link.path(), out, out_link.path());
  return 0;
}
