// A training step gives the same bits whatever the number of threads, and however often it is run.

#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "reel/autograd/random.h"
#include "reel/base/threads.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "reel/optim/optim.h"

using namespace reel;

namespace {

/// Sets the number of threads as long as it lives.
class ThreadsGuard {
 public:
  explicit ThreadsGuard(int threads) : before_(get_num_threads()) { set_num_threads(threads); }
  ~ThreadsGuard() { set_num_threads(before_); }
  ThreadsGuard(const ThreadsGuard&) = delete;
  ThreadsGuard& operator=(const ThreadsGuard&) = delete;

 private:
  int before_;
};

using Named = std::vector<std::pair<std::string, Tensor>>;

/// All that a few steps of training leave behind: the losses, the last gradients, the parameters
/// and the buffers.
template <class Model, class Loss>
Named train(const std::function<Model()>& make, const Loss& loss_of, int threads) {
  const ThreadsGuard guard(threads);
  manual_seed(7);
  Model model = make();
  optim::Adam adam{nn::parameters(model), {.lr = 1e-3}};
  Named results;
  for (int step = 0; step < 3; ++step) {
    adam.zero_grad();
    const Tensor loss = loss_of(model);
    loss.backward();
    adam.step();
    results.emplace_back("loss of step " + std::to_string(step), loss.detach());
  }
  for (const auto& [name, parameter] : nn::named_parameters(model)) {
    results.emplace_back("gradient of " + name, parameter.grad().contiguous());
  }
  for (const auto& [name, value] : nn::state_dict(model)) {
    results.emplace_back(name, value.detach().contiguous());
  }
  return results;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const auto bytes = static_cast<std::size_t>(a.numel() * item_size(a.dtype()));
  return std::memcmp(a.impl().data, b.impl().data, bytes) == 0;
}

/// Trains on 1 thread, then again, and on 2: all must come out the same.
template <class Model, class Loss>
void check_same_bits(const std::function<Model()>& make, const Loss& loss_of) {
  const Named expected = train<Model>(make, loss_of, 1);
  for (const int threads : {1, 2, 2}) {
    CAPTURE(threads);
    const Named got = train<Model>(make, loss_of, threads);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(got[i].first);
      CHECK(same_bits(got[i].second, expected[i].second));
    }
  }
}

template <class Make, class Loss>
void check_training(const Make& make, const Loss& loss_of) {
  check_same_bits<decltype(make())>(make, loss_of);
}

struct Batch {
  Tensor x, classes;
};

Batch images(Size batch) {
  manual_seed(1);
  return {randn({batch, 1, 28, 28}), randint(10, {batch})};
}

Batch text(Size batch, Size length, Size vocabulary) {
  manual_seed(1);
  return {randint(vocabulary, {batch, length}), randint(vocabulary, {batch * length})};
}

/// A block of a transformer, with what stands before and behind it.
struct Transformer {
  nn::Embedding embedding{.num_embeddings = 40, .embedding_dim = 64};
  nn::LayerNorm norm1{.normalized_shape = 64}, norm2{.normalized_shape = 64};
  nn::MultiheadAttention attention{
      .embed_dim = 64, .num_heads = 4, .dropout = 0, .batch_first = true};
  nn::Linear wide{64, 256}, narrow{256, 64}, head{64, 40};

  Tensor operator()(const Tensor& tokens) const {
    Tensor x = embedding(tokens);
    x = x + attention(norm1(x), {.is_causal = true});
    x = x + narrow(gelu(wide(norm2(x))));
    return head(x);
  }
  REEL_FIELDS(embedding, norm1, norm2, attention, wide, narrow, head)
};

struct Recurrent {
  nn::Embedding embedding{.num_embeddings = 40, .embedding_dim = 32};
  nn::LSTM lstm{.input_size = 32, .hidden_size = 64, .num_layers = 2, .batch_first = true};
  nn::Linear head{64, 40};

  Tensor operator()(const Tensor& tokens) const { return head(lstm(embedding(tokens)).output); }
  REEL_FIELDS(embedding, lstm, head)
};

}  // namespace

TEST_CASE("a perceptron trains to the same bits on 1 and 2 threads") {
  for (const Size size : {1, 32, 256}) {
    CAPTURE(size);
    const Batch batch = images(size);
    check_training(
        [] {
          return nn::Sequential{nn::Flatten{}, nn::Linear{784, 128}, nn::ReLU{}, nn::Dropout{0.3},
                                nn::Linear{128, 10}};
        },
        [&](auto& model) { return nn::cross_entropy(model(batch.x), batch.classes); });
  }
}

TEST_CASE("a convolutional network trains to the same bits on 1 and 2 threads") {
  const Batch batch = images(16);
  check_training(
      [] {
        return nn::Sequential{
            nn::Conv2d{.in_channels = 1, .out_channels = 32, .kernel_size = 3, .padding = 1},
            nn::ReLU{},
            nn::MaxPool2d{2},
            nn::Conv2d{.in_channels = 32, .out_channels = 64, .kernel_size = 3, .padding = 1},
            nn::BatchNorm2d{64},
            nn::ReLU{},
            nn::AvgPool2d{2},
            nn::Flatten{},
            nn::Linear{3136, 128},
            nn::Tanh{},
            nn::Linear{128, 10}};
      },
      [&](auto& model) { return nn::cross_entropy(model(batch.x), batch.classes); });
}

TEST_CASE("a transformer trains to the same bits on 1 and 2 threads") {
  const Batch batch = text(4, 96, 40);
  check_training([] { return Transformer{}; },
                 [&](auto& model) {
                   return nn::cross_entropy(model(batch.x).reshape({-1, 40}), batch.classes);
                 });
}

TEST_CASE("an LSTM trains to the same bits on 1 and 2 threads") {
  const Batch batch = text(16, 24, 40);
  check_training([] { return Recurrent{}; },
                 [&](auto& model) {
                   return nn::cross_entropy(model(batch.x).reshape({-1, 40}), batch.classes);
                 });
}

TEST_CASE("convolutions of few images have the same bits on any number of threads") {
  struct Case {
    Shape x, w;
    Conv2dOptions options;
  };
  // What libraries share out among threads by something else than images: one image, or so few and
  // so small that rows and channels are all there is to divide.
  const std::vector<Case> cases{
      {{1, 128, 8, 8}, {128, 128, 7, 7}, {.stride = 2, .padding = 3}},
      {{1, 256, 7, 7}, {64, 256, 5, 5}, {.stride = 2, .padding = 2}},
      {{1, 128, 14, 14}, {31, 128, 7, 7}, {.padding = 3}},
      {{3, 8, 56, 56}, {64, 8, 1, 1}, {.stride = 2, .padding = 1}},
      {{1, 64, 56, 56}, {64, 64, 3, 3}, {.padding = 1}},
      {{1, 512, 7, 7}, {512, 512, 3, 3}, {.padding = 1}},
      {{2, 96, 28, 28}, {96, 1, 5, 5}, {.padding = 2, .groups = 96}},
      {{5, 3, 64, 64}, {32, 3, 7, 7}, {.stride = 2, .padding = 3}},
      {{1, 40, 1, 1}, {1000, 40, 1, 1}, {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.x);
    CAPTURE(c.w);
    manual_seed(5);
    const Tensor x = randn(c.x).requires_grad_(), w = randn(c.w).requires_grad_();
    const Tensor bias = randn({c.w[0]}).requires_grad_();
    const auto results = [&](int threads) {
      const ThreadsGuard guard(threads);
      const Tensor y = conv2d(x, w, bias, c.options);
      std::vector<Tensor> all = grad({y.square().mean()}, {x, w, bias});
      all.push_back(y);
      return all;
    };
    const std::vector<Tensor> one = results(1);
    for (const int threads : {2, 3, 4, 8}) {
      CAPTURE(threads);
      const std::vector<Tensor> got = results(threads);
      for (std::size_t i = 0; i < one.size(); ++i) {
        CAPTURE(i);
        CHECK(same_bits(got[i].contiguous(), one[i].contiguous()));
      }
    }
  }
}

TEST_CASE("products of any shape have the same bits on 1 and 2 threads") {
  for (const Size m : {1, 10, 128}) {
    for (const Size k : {64, 3136, 8192}) {
      for (const Size n : {1, 10, 64, 784}) {
        CAPTURE(m);
        CAPTURE(k);
        CAPTURE(n);
        manual_seed(3);
        const Tensor a = randn({m, k}), b = randn({k, n});
        const Tensor columns = a.t().contiguous().t(), rows = b.t().contiguous().t();
        const auto products = [&](int threads) {
          const ThreadsGuard guard(threads);
          return std::vector<Tensor>{mm(a, b), mm(a, rows), mm(columns, b), mm(columns, rows)};
        };
        const std::vector<Tensor> one = products(1), two = products(2);
        for (std::size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i], two[i]));
      }
    }
  }
}

TEST_CASE("losses and reductions of many elements have the same bits on 1 and 2 threads") {
  manual_seed(2);
  const Tensor a = randn({1000, 1000}), b = randn({1000, 1000});
  const auto results = [&](int threads) {
    const ThreadsGuard guard(threads);
    const Tensor x = a.detach().clone().requires_grad_();
    const Tensor parts[] = {x.sum(),         x.sum({0}), x.mean({1}), x.var({0}),
                            x.logsumexp(1),  x.norm(),   x.matmul(b), softmax(x.t(), 1),
                            tanh(x * b + 1), x.cumsum(0)};
    Tensor total = zeros({});
    for (const Tensor& part : parts) total = total + part.square().mean();
    total.backward();
    std::vector<Tensor> all(std::begin(parts), std::end(parts));
    all.push_back(total);
    all.push_back(x.grad());
    return all;
  };
  const std::vector<Tensor> one = results(1), two = results(2);
  for (std::size_t i = 0; i < one.size(); ++i) {
    CAPTURE(i);
    CHECK(same_bits(one[i].contiguous(), two[i].contiguous()));
  }
}
