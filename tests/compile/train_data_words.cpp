// must not compile: Reel: data for training is a data set whose samples are tuples of inputs and,
#include <reel/reel.h>

#include <string>
#include <utility>

struct Words {
  reel::Size size() const { return 3; }
  std::pair<std::string, reel::Tensor> batch(std::span<const reel::Size>) const { return {}; }
};

int main() {
  reel::nn::Linear model{2, 1};
  reel::train::fit(model, Words{});
}
