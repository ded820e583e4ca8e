#include <doctest/doctest.h>

#include <string>

#include "reel/nn/linear.h"
#include "reel/train/train.h"

using namespace reel;

namespace {

struct Net {
  nn::Linear first{4, 3};
  nn::Linear second{5, 2};

  Tensor operator()(const Tensor& x) const { return second(first(x)); }
};

template <class F>
void check_names_second(F f) {
  std::string text = "no error";
  try {
    f();
  } catch (const Error& error) {
    text = error.what();
  }
  CAPTURE(text);
  CHECK(text.find("\n  in second (Linear{in_features=5, out_features=2})") != std::string::npos);
}

}  // namespace

TEST_CASE("fit, evaluate and predict name the layer that refuses by its path in the model") {
  Net net;
  const Tensor x = ones({6, 4}), y = zeros({6}, {.dtype = int64});
  const TensorDataset data{x, y};
  check_names_second([&] { train::fit(net, data, {.epochs = 1}); });
  check_names_second([&] { train::evaluate(net, data); });
  check_names_second([&] { train::predict(net, x); });
}
