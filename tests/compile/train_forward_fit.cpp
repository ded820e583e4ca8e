// must not compile: Reel: a model is called as model.inputs.: write Tensor operator
#include <reel/reel.h>

struct Net {
  reel::nn::Linear fc{2, 3};
  reel::Tensor forward(const reel::Tensor& x) const { return fc(x); }
};

int main() {
  Net net;
  const reel::TensorDataset data(reel::zeros({4, 2}), reel::zeros({4}, {.dtype = reel::int64}));
  reel::train::fit(net, data, {.epochs = 2});
}
