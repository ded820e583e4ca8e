// must not compile: Reel: fit, evaluate and predict switch the model between training and
#include <reel/reel.h>

int main() {
  const reel::nn::Linear model{2, 3};
  reel::train::Trainer trainer{model};
}
