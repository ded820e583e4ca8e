// must compile

// Layers as temporaries in the default of a member that names another field. With a default in the
// layer that names another field too, g++ 12 stops with an internal compiler error.

#include <reel/nn/nn.h>

#include <array>
#include <vector>

using namespace reel;

struct Net {
  Size width = 8;
  std::vector<nn::Linear> list{nn::Linear{width, width}, nn::Linear{width, width, false}};
  std::array<nn::Linear, 2> pair{nn::Linear{width, width}, nn::Linear{width, width}};
  nn::AnyModule module = nn::Linear{width, width};
  nn::Sequential images{nn::Conv2d{width, width, 3}, nn::BatchNorm2d{width},
                        nn::GroupNorm{1, width}, nn::MaxPool2d{width}, nn::Dropout{}};
  nn::Sequential words{nn::Embedding{width, width}, nn::LayerNorm{width},
                       nn::MultiheadAttention{width, 2}, nn::BatchNorm1d{width}};
  std::vector<nn::LSTM> steps{nn::LSTM{width, width}};
  std::vector<nn::LSTMCell> cells{nn::LSTMCell{width, width}};
};

int main() { const Net by_name{.width = 4}, by_place{4}, by_default{}; }
