// must not compile: Reel: an optimizer takes parameters: nn::parameters.net., or a list of tensors
#include <reel/reel.h>

int main() {
  reel::nn::Linear net{2, 3};
  reel::optim::Adam adam{net, {.lr = 0.1}};
}
