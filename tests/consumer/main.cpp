// A small program of a user: a model, a step of training, and xtensor through the bridge.
#include <reel/reel.h>

#include <cstdio>

using namespace reel;

struct Classifier {
  nn::Linear fc1{.in_features = 8, .out_features = 16};
  nn::Linear fc2{.in_features = 16, .out_features = 3};

  Tensor operator()(const Tensor& x) const { return fc2(relu(fc1(x))); }
};

int main() {
  manual_seed(0);
  Classifier net;
  optim::SGD sgd{nn::parameters(net), {.lr = 0.1}};
  const Tensor x = randn({32, 8});
  const Tensor y = argmax(x.narrow(1, 0, 3), 1);

  double first = 0;
  double last = 0;
  for (int step = 0; step < 100; ++step) {
    sgd.zero_grad();
    Tensor loss = nn::cross_entropy(net(x), y);
    loss.backward();
    sgd.step();
    last = loss.item<double>();
    if (step == 0) first = last;
  }
  std::printf("loss %.3f -> %.3f\n", first, last);
  return last < first ? 0 : 1;
}
