// must compile

// Layers whose defaults name another field, with hooks, as temporaries in a default that does too.

#include <reel/nn/nn.h>

#include <vector>

using namespace reel;

struct Net {
  Size width = 2;
  std::vector<nn::MaxPool2d> maxima{nn::MaxPool2d{width}, nn::MaxPool2d{width}};
  std::vector<nn::AvgPool2d> means{nn::AvgPool2d{width}};
  std::vector<nn::LPPool2d> norms{nn::LPPool2d{2.0, width}};
  std::vector<nn::MaxUnpool2d> places{nn::MaxUnpool2d{width}};
  std::vector<nn::ReLU> plain{nn::ReLU{}};
};

int main() { const Net by_name{.width = 4}, by_place{4}, by_default{}; }
