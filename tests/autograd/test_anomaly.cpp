#include <doctest/doctest.h>

#include <string>
#include <thread>

#include "reel/autograd/tape.h"
#include "reel/base/detail/stack_trace.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace user {

/// A function that the error is to find, not inlined into the test.
[[gnu::noinline]] Tensor root_of_nothing(const Tensor& x) { return sqrt(x * 0) * 0; }

struct Net {
  nn::Linear layer{2, 3};
  Tensor operator()(const Tensor& x) const { return layer(x); }
};

std::string error_of(const Tensor& loss) {
  try {
    loss.backward();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace user

TEST_CASE("an anomaly names the op, its inputs and the function that called it") {
  const Tensor x = ones({2}, {.requires_grad = true});
  const DetectAnomalyGuard detect;
  const std::string text = user::error_of(user::root_of_nothing(x).sum());
  CAPTURE(text);
  CHECK(text.find("[sqrt] expected a gradient without NaN for input 0 of shape [2], got NaN\n"
                  "  its inputs: [2]\n"
                  "  recorded by ") == 0);
  CHECK(text.find("user::root_of_nothing(reel::Tensor const&)") != text.npos);
}

TEST_CASE("an anomaly names the layer") {
  manual_seed(1);
  user::Net net;
  const DetectAnomalyGuard detect;
  const Tensor y = net(ones({1, 2}));
  // The gradient of linear gets NaN from what comes after it.
  y.register_hook([](const Tensor& dy) { return dy * (0. / 0.); });
  const std::string text = user::error_of(y.sum());
  CAPTURE(text);
  CHECK(text.find("[linear]") == 0);
  CHECK(text.find("its inputs: one without a gradient, [3, 2], [3]") != text.npos);
  CHECK(text.find("in Linear") != text.npos);
}

TEST_CASE("without the guard around forward the error says how to learn more") {
  const Tensor x = ones({2}, {.requires_grad = true});
  const Tensor loss = user::root_of_nothing(x).sum();
  const DetectAnomalyGuard detect;
  const std::string text = user::error_of(loss);
  CHECK(text.find("help: with a DetectAnomalyGuard also around forward") != text.npos);
  CHECK(text.find("recorded by") == text.npos);
}

TEST_CASE("an op recorded in one thread may fail in another") {
  const Tensor x = ones({2}, {.requires_grad = true});
  Tensor loss;
  std::thread([&] {
    const DetectAnomalyGuard detect;
    loss = user::root_of_nothing(x).sum();
  }).join();
  const DetectAnomalyGuard detect;
  CHECK(user::error_of(loss).find("user::root_of_nothing") != std::string::npos);
}
