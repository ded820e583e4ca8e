// must not compile: Reel: options of an optimizer have names: write {.lr = 0.1}
#include <reel/reel.h>

int main() {
  reel::nn::Linear net{2, 3};
  reel::optim::AdamW adam{reel::nn::parameters(net), 0.1};
}
