#include "reel/train/update_bn.h"

#include <doctest/doctest.h>

#include <cmath>

#include "reel/autograd/random.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace {

struct Net {
  nn::BatchNorm1d in{.num_features = 2, .momentum = 0.25};
  nn::Linear scale{2, 2};
  nn::BatchNorm1d out{.num_features = 2};
  Tensor operator()(const Tensor& x) const { return out(scale(in(x))); }
};

bool close(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item() < 1e-5; }

}  // namespace

TEST_CASE("batch norms get the plain averages over the batches, whatever they had before") {
  Net net;
  net.in.running_mean.fill_(100);
  net.out.running_var.fill_(100);
  nn::eval(net.out);
  const Tensor x = tensor({{1.0, 0.0}, {3.0, 2.0}, {5.0, 0.0}, {11.0, 4.0}});
  DataLoader loader(TensorDataset(x, zeros({4})), {.batch_size = 2});
  train::update_bn(net, loader);
  // The mean of the batches' means, and of their variances: [2, 8] and [2, 18], [1, 2], [2, 8].
  CHECK(close(net.in.running_mean, tensor({5.0, 1.5})));
  CHECK(close(net.in.running_var, tensor({10.0, 5.0})));
  CHECK(net.in.num_batches_tracked.item() == 2);
  // It sees what the layers before it give in training, so that its inputs are centred at the bias.
  CHECK(close(net.out.running_mean, net.scale.bias));
  CHECK(net.in.momentum == 0.25);
  CHECK(net.out.momentum == 0.1);
  CHECK(net.in.training);
  CHECK_FALSE(net.out.training);
  CHECK_FALSE(net.scale.weight.grad().defined());
  CHECK_FALSE(net.out.running_mean.requires_grad());
}

TEST_CASE("batch norms see all samples of a data set, with targets or without") {
  manual_seed(1);
  const Tensor x = randn({64, 2});
  for (const bool labeled : {true, false}) {
    Net net;
    labeled ? train::update_bn(net, TensorDataset(x, x), {.batch_size = 64})
            : train::update_bn(net, TensorDataset(x), {.batch_size = 64});
    CHECK(close(net.in.running_mean, x.mean(0)));
    CHECK(net.in.num_batches_tracked.item() == 1);
  }
  Net net;
  train::update_bn(net, TensorDataset(x));
  CHECK(net.in.num_batches_tracked.item() == 2);
  nn::Linear without{2, 2};
  train::update_bn(without, TensorDataset(x));
}

TEST_CASE("batch norms keep their momenta and modes when a batch is refused") {
  Net net;
  nn::eval(net);
  CHECK_THROWS_AS(train::update_bn(net, TensorDataset(zeros({4, 3}))), Error);
  CHECK(net.in.momentum == 0.25);
  CHECK_FALSE(net.in.training);
  CHECK_THROWS_WITH_AS(train::update_bn(net, TensorDataset(zeros({0, 2}))),
                       "[update_bn] expected a data set with at least one sample, got an empty one",
                       Error);
  CHECK_THROWS_WITH_AS(train::update_bn(net, TensorDataset(zeros({4, 2})), {.batch_size = 0}),
                       "[update_bn] expected batch_size > 0, got 0", Error);
  DataLoader loader(TensorDataset(zeros({4, 2})), {.batch_size = 2});
  CHECK_THROWS_WITH_AS(train::update_bn(net, loader, {.seed = 1}),
                       doctest::Contains("[update_bn] expected no .seed beside a DataLoader"),
                       Error);
}
