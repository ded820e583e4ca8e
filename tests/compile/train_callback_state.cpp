// must not compile: Reel: a callback with a state has both StateDict state_dict.. const and void
#include <reel/reel.h>

// It gives its state and could not take it back.
struct Count {
  reel::Size epochs = 0;
  void epoch_end(reel::train::Run&) { ++epochs; }
  reel::StateDict state_dict() const { return {}; }
};

int main() { const reel::train::Callback callback = Count{}; }
