// must not compile: Reel: fit, evaluate and predict switch the model between training and
// evaluation
#include <reel/reel.h>

int main() {
  const reel::nn::Linear model{2, 3};
  reel::train::predict(model, reel::zeros({4, 2}));
}
