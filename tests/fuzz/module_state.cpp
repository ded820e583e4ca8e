// load_state_dict of a module over dictionaries of any names and tensors: it takes all of one or
// throws and changes nothing, and the module works afterwards.

#include <algorithm>
#include <cstring>
#include <vector>

#include "fuzz/byte_reader.h"
#include "fuzz/crafted_entries.h"
#include "fuzz/demand.h"
#include "reel/autograd/autograd.h"
#include "reel/nn/nn.h"

using namespace reel;
using namespace reel::testing;

namespace {

struct Net {
  nn::Embedding words{5, 3};
  nn::Linear in{3, 4};
  nn::BatchNorm1d norm{4};
  nn::Linear out{4, 2};
  Tensor operator()(const Tensor& x) { return out(norm(in(words(x)))); }
};

Entries state_of(const Net& net) { return entries_of(nn::state_dict(net)); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  manual_seed(0);  // an input does the same alone as after others
  Net net;
  ByteReader input(data, size);
  const nn::LoadOptions options{.strict = input.below(2) == 0};
  const Entries before = copies_of(state_of(net));
  const Entries crafted = crafted_entries(input, before);
  const StateDict dictionary = dictionary_of(crafted);

  nn::LoadResult result;
  bool loaded = true;
  try {
    result = nn::load_state_dict(net, dictionary, options);
  } catch (const Error& error) {
    DEMAND(std::strncmp(error.what(), "[load_state_dict] expected ", 27) == 0);
    loaded = false;
  }
  const Entries after = state_of(net);
  if (!loaded) {
    DEMAND(same_entries(before, after));
    return 0;
  }
  DEMAND(!options.strict || (result.missing.empty() && result.unexpected.empty()));
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto& [name, tensor] = after[i];
    const bool missing = std::ranges::find(result.missing, name) != result.missing.end();
    DEMAND(missing != dictionary.contains(name));
    DEMAND(same_tensor(tensor, missing ? before[i].second : dictionary.at(name)));
  }
  DEMAND(net(tensor({0, 4, 2})).shape() == (Shape{3, 2}));
  return 0;
}
