// must not compile: a layer makes its bias once

#include <reel/nn/linear.h>

int main() {
  reel::nn::Linear layer{4, 2};
  layer.bias = true;
}
