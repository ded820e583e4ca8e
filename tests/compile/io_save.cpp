// must compile
#include <reel/reel.h>

using namespace reel;

struct Net {
  nn::Linear fc{2, 3};
};

// Also where somebody uses both namespaces; save of one tensor stays the tape's.
void f(Net& net, const optim::SGD& sgd) {
  using namespace reel::io;
  save(net, "net.safetensors");
  save(sgd, "sgd.safetensors", {.metadata = {}});
  save(nn::state_dict(net), "net.safetensors");
  const Saved kept = save(net.fc.weight);
  load(net, "net.safetensors", {.strict = false, .rename = {{"^module\\.", ""}}});
}
