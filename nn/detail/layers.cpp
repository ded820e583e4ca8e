// The walks over Reel's own layers, for files that call a layer without including nn/module.h.

#include "reel/nn/nn.h"

namespace reel::nn::detail {

#define REEL_LAYER(layer) template REEL_API void walk_module<layer>(const void*, Visitor&);
REEL_LAYER(AdaptiveAvgPool2d)
REEL_LAYER(AvgPool2d)
REEL_LAYER(BatchNorm1d)
REEL_LAYER(BatchNorm2d)
REEL_LAYER(Conv2d)
REEL_LAYER(Dropout)
REEL_LAYER(ELU)
REEL_LAYER(Embedding)
REEL_LAYER(Flatten)
REEL_LAYER(GELU)
REEL_LAYER(GroupNorm)
REEL_LAYER(Identity)
REEL_LAYER(LayerNorm)
REEL_LAYER(LeakyReLU)
REEL_LAYER(Linear)
REEL_LAYER(LogSoftmax)
REEL_LAYER(LSTM)
REEL_LAYER(LSTMCell)
REEL_LAYER(MaxPool2d)
REEL_LAYER(MultiheadAttention)
REEL_LAYER(ReLU)
REEL_LAYER(Sigmoid)
REEL_LAYER(SiLU)
REEL_LAYER(Softmax)
REEL_LAYER(Softplus)
REEL_LAYER(Tanh)
#undef REEL_LAYER

}  // namespace reel::nn::detail
