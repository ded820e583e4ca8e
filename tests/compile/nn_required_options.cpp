// must compile

#include <reel/nn/nn.h>

using namespace reel;

struct Net {
  nn::Required<Size> width;
  nn::Linear linear{width, width};
  nn::LayerNorm norm{width};
  nn::LayerNorm last_two{{3, width}};
  nn::Conv2d conv{width, width, width, width, width};
  nn::Conv2d wide{.in_channels = width, .out_channels = width, .kernel_size = {3, width}};
  nn::MaxPool2d pool{.kernel_size = width, .stride = width};
  nn::LSTM lstm{.input_size = width, .hidden_size = width, .num_layers = width};
  nn::Embedding embedding{.num_embeddings = width, .embedding_dim = width, .padding_idx = width};
  nn::MultiheadAttention attention{.embed_dim = width, .num_heads = width, .kdim = width};
};

const Net net{.width = 4};
