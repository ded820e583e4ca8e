// load_state_dict of optimizers over dictionaries of any names and tensors: it takes all of one or
// throws and changes nothing, and the optimizer can step and be saved afterwards.

#include <cstring>
#include <memory>
#include <vector>

#include "fuzz/byte_reader.h"
#include "fuzz/crafted_entries.h"
#include "fuzz/demand.h"
#include "reel/autograd/autograd.h"
#include "reel/optim/optim.h"

using namespace reel;
using namespace reel::testing;

namespace {

/// An optimizer that has stepped, and its parameters.
struct Subject {
  std::vector<Tensor> parameters;
  std::unique_ptr<optim::Optimizer> optimizer;
};

Subject made(std::size_t kind) {
  Subject subject;
  for (const Shape& shape : {Shape{2, 3}, Shape{}}) {
    subject.parameters.push_back(ones(shape, {.requires_grad = true}));
    subject.parameters.back().set_grad(ones(shape));
  }
  const std::vector<Tensor>& all = subject.parameters;
  switch (kind) {
    case 0:
      subject.optimizer = std::make_unique<optim::SGD>(all, optim::SGDOptions{.lr = 0.1});
      break;
    case 1:
      subject.optimizer =
          std::make_unique<optim::SGD>(all, optim::SGDOptions{.lr = 0.1, .momentum = 0.9});
      break;
    case 2:
      subject.optimizer = std::make_unique<optim::Adam>(all);
      break;
    case 3:
      subject.optimizer = std::make_unique<optim::Adam>(all, optim::AdamOptions{.amsgrad = true});
      break;
    case 4:
      subject.optimizer = std::make_unique<optim::AdamW>(all);
      break;
    case 5:
      subject.optimizer = std::make_unique<optim::NAdam>(all);
      break;
    default:
      subject.optimizer = std::make_unique<optim::Adafactor>(all);
  }
  subject.optimizer->step();
  return subject;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader input(data, size);
  const Subject subject = made(input.below(7));
  optim::Optimizer& optimizer = *subject.optimizer;
  const Entries before = entries_of(optimizer.state_dict());
  const Entries crafted = crafted_entries(input, before);
  bool loaded = true;
  try {
    optimizer.load_state_dict(dictionary_of(crafted));
  } catch (const Error& error) {
    DEMAND(std::strstr(error.what(), "] expected ") != nullptr);
    loaded = false;
  }
  const StateDict after = optimizer.state_dict();
  DEMAND(loaded || same_entries(before, entries_of(after)));
  // What was taken is what is kept, and can be taken again.
  optimizer.load_state_dict(after);
  DEMAND(same_entries(entries_of(after), entries_of(optimizer.state_dict())));
  optimizer.step();
  optimizer.load_state_dict(optimizer.state_dict());
  return 0;
}
