// must not compile: Reel: inputs and targets come together: fit.model, x, y.
#include <reel/reel.h>

int main() {
  reel::nn::Linear model{2, 1};
  reel::train::fit(model, reel::zeros({4, 2}));
}
