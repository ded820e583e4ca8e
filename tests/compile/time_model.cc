#include <reel/reel.h>

struct Classifier {
  reel::Size hidden = 128;
  reel::nn::Linear fc1{.in_features = 784, .out_features = hidden};
  reel::nn::Linear fc2{.in_features = hidden, .out_features = 10};

  reel::Tensor operator()(const reel::Tensor& images) const {
    return fc2(reel::relu(fc1(reel::flatten(images, 1))));
  }
};

int main() {
  Classifier net;
  return reel::nn::parameters(net).size() == 4 ? 0 : 1;
}
