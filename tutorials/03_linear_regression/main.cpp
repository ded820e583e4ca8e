// Tutorial 3: a first model, by hand. Read it beside README.md; every CLAIM is checked when it
// runs.

#include <reel/reel.h>

#include <cmath>
#include <cstdio>

#include "../claim.h"

using namespace reel;

namespace {

// A thousand flats: living space in 100 m2 and age in decades; the price, in 100,000 euros, follows
// a straight law that the model does not know, plus noise.
struct Flats {
  Tensor features;  // [1000, 2]
  Tensor prices;    // [1000]
};

const double true_space = 3.5, true_age = -0.4, true_base = 1.0, noise = 0.1;

Flats make_flats() {
  manual_seed(7);
  const Tensor features = rand({1000, 2}) * tensor({1.5, 5.0});
  const Tensor prices = matmul(features, tensor({true_space, true_age})) + true_base;
  return {features, prices + noise * randn({1000})};
}

Tensor mean_squared_error(const Tensor& predicted, const Tensor& actual) {
  return (predicted - actual).square().mean();
}

// Gradient descent in its barest form: predict, measure, rewind, step.
void by_hand(const Flats& flats) {
  std::puts("--- By hand");

  const Tensor weight = zeros({2}, {.requires_grad = true});
  const Tensor bias = zeros({}, {.requires_grad = true});
  const double learning_rate = 0.1;

  double first_loss = 0, last_loss = 0;
  for (int step = 0; step <= 400; ++step) {
    const Tensor predicted = matmul(flats.features, weight) + bias;
    const Tensor loss = mean_squared_error(predicted, flats.prices);
    loss.backward();

    {
      NoGradGuard no_grad;  // the update itself is not part of the model
      weight -= learning_rate * weight.grad();
      bias -= learning_rate * bias.grad();
    }
    weight.set_grad({});  // or the next backward would add to it
    bias.set_grad({});

    if (step == 0) first_loss = loss.item();
    last_loss = loss.item();
    if (step % 100 == 0) std::printf("step %3d  loss %.4f\n", step, last_loss);
  }

  std::printf("price = %.3f * space + %.3f * age + %.3f\n", weight[0].item(), weight[1].item(),
              bias.item());
  CLAIM(last_loss < first_loss / 100);
  CLAIM(std::abs(weight[0].item() - true_space) < 0.05);
  CLAIM(std::abs(weight[1].item() - true_age) < 0.02);
  CLAIM(std::abs(bias.item() - true_base) < 0.05);
  // What is left is the noise, which no straight law explains.
  CLAIM(std::abs(last_loss - noise * noise) < 0.002);
}

// A step too long jumps over the valley, farther with every jump.
void too_fast(const Flats& flats) {
  std::puts("--- Too fast");

  const Tensor weight = zeros({2}, {.requires_grad = true});
  double loss_now = 0;
  for (int step = 0; step <= 4; ++step) {
    const Tensor loss = mean_squared_error(matmul(flats.features, weight), flats.prices);
    const Tensor gradient = grad(loss, weight);  // returned, not accumulated: nothing to reset
    NoGradGuard no_grad;
    weight -= 0.5 * gradient;
    loss_now = loss.item();
    std::printf("step %3d  loss %.4g\n", step, loss_now);
  }
  CLAIM(loss_now > 1000);
}

// The same with Reel's parts: a layer holds the parameters, an optimizer changes them, a loader
// hands out the data in shuffled batches.
void with_parts(const Flats& flats) {
  std::puts("--- With a layer, an optimizer and a loader");

  manual_seed(0);
  nn::Linear model{2, 1};
  optim::SGD sgd{nn::parameters(model), {.lr = 0.05}};
  const TensorDataset data{flats.features, flats.prices.unsqueeze(1)};

  double loss_of_epoch = 0;
  for (int epoch = 1; epoch <= 20; ++epoch) {
    train::Mean mean;
    for (auto [features, prices] : DataLoader{data, {.batch_size = 50, .shuffle = true}}) {
      sgd.zero_grad();
      const Tensor loss = nn::mse_loss(model(features), prices);
      loss.backward();
      sgd.step();
      mean.add(loss.item());
    }
    loss_of_epoch = mean.value();
    if (epoch % 5 == 0) std::printf("epoch %2d  loss %.4f\n", epoch, loss_of_epoch);
  }
  CLAIM(std::abs(loss_of_epoch - noise * noise) < 0.002);

  NoGradGuard no_grad;
  const Tensor flat = tensor({{0.8, 3.0}});  // 80 m2, thirty years old
  const double price = model(flat).item();
  std::printf("80 m2, 30 years: %.2f\n", price);
  CLAIM(std::abs(price - (0.8 * true_space + 3 * true_age + true_base)) < 0.05);
}

}  // namespace

int main() {
  const Flats flats = make_flats();
  by_hand(flats);
  too_fast(flats);
  with_parts(flats);
}
