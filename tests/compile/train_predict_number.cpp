// must not compile: Reel: predict takes a tensor of inputs .N, ...., a data set or a DataLoader
#include <reel/reel.h>

struct Samples {
  int size = 3;
};

int main() {
  reel::nn::Linear model{2, 3};
  reel::train::predict(model, Samples{});
}
