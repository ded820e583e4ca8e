// must compile

// Structs of the user's own, whose defaults name other fields, as members of a struct with such
// defaults: as temporaries, Block{width}, they stop g++ 12 with an internal compiler error.

#include <reel/nn/nn.h>

#include <array>
#include <vector>

using namespace reel;

struct Block {
  nn::Required<Size> width;
  nn::Linear linear{width, width};
  nn::Parameter scale = ones({width});

  Tensor operator()(const Tensor& x) const { return linear(x) * scale; }
};

std::array<Block, 2> pair_of(Size width) { return {Block{width}, Block{width}}; }

struct Net {
  Size width = 8;
  std::vector<Block> blocks = nn::repeat(3, [&] { return Block{width}; });
  std::vector<Block> growing = nn::repeat(3, [this](Size i) { return Block{width * (i + 1)}; });
  std::array<Block, 2> pair = pair_of(width);
  Block single{width};
};

int main() { const Net by_name{.width = 4}, by_place{4}, by_default{}; }
