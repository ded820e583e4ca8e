// The walks over Reel's own layers, for files that call a layer without including nn/module.h.

#include "reel/nn/nn.h"

namespace reel::nn::detail {

#define REEL_LAYER(layer)                                           \
  template REEL_API void walk_module<layer>(const void*, Visitor&); \
  template REEL_API ModuleRef show_module<layer>(const void*);
#define REEL_LAYERS(family) \
  REEL_LAYER(family<1>)     \
  REEL_LAYER(family<2>)     \
  REEL_LAYER(family<3>)
REEL_LAYERS(AdaptiveAvgPoolNd)
REEL_LAYERS(AdaptiveMaxPoolNd)
REEL_LAYERS(AvgPoolNd)
REEL_LAYERS(BatchNormNd)
REEL_LAYER(CELU)
REEL_LAYERS(CircularPadNd)
REEL_LAYERS(ConstantPadNd)
REEL_LAYERS(ConvNd)
REEL_LAYERS(ConvTransposeNd)
REEL_LAYER(Dropout)
REEL_LAYER(ELU)
REEL_LAYER(Embedding)
REEL_LAYER(Flatten)
REEL_LAYER(GELU)
REEL_LAYER(GLU)
REEL_LAYER(GroupNorm)
REEL_LAYER(Hardshrink)
REEL_LAYER(Hardsigmoid)
REEL_LAYER(Hardswish)
REEL_LAYER(Hardtanh)
REEL_LAYER(Identity)
REEL_LAYERS(InstanceNormNd)
REEL_LAYER(LayerNorm)
REEL_LAYER(LeakyReLU)
REEL_LAYER(Linear)
REEL_LAYER(LogSigmoid)
REEL_LAYER(LogSoftmax)
REEL_LAYERS(LPPoolNd)
REEL_LAYER(LSTM)
REEL_LAYER(LSTMCell)
REEL_LAYERS(MaxPoolNd)
REEL_LAYERS(MaxUnpoolNd)
REEL_LAYER(Mish)
REEL_LAYER(MultiheadAttention)
REEL_LAYER(PReLU)
REEL_LAYERS(ReflectionPadNd)
REEL_LAYER(ReLU)
REEL_LAYER(ReLU6)
REEL_LAYERS(ReplicationPadNd)
REEL_LAYER(RReLU)
REEL_LAYER(SELU)
REEL_LAYER(Sigmoid)
REEL_LAYER(SiLU)
REEL_LAYER(Softmax)
REEL_LAYER(Softmax2d)
REEL_LAYER(Softmin)
REEL_LAYER(Softplus)
REEL_LAYER(Softshrink)
REEL_LAYER(Softsign)
REEL_LAYER(Tanh)
REEL_LAYER(Tanhshrink)
REEL_LAYER(Threshold)
REEL_LAYERS(ZeroPadNd)
#undef REEL_LAYERS
#undef REEL_LAYER

}  // namespace reel::nn::detail
