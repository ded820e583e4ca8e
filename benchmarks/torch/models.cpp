// The cases of ../reel/models.cpp in libtorch, with the settings its users would choose.

#include "torch_side.h"

namespace bench {
namespace {

namespace nn = torch::nn;
using torch::Tensor;

nn::Sequential make_mlp() {
  return nn::Sequential(nn::Flatten(), nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 10));
}

nn::Conv2d conv3x3(std::int64_t in, std::int64_t out) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, 3).padding(1));
}

nn::Sequential make_cnn() {
  return nn::Sequential(conv3x3(1, 32), nn::ReLU(), nn::MaxPool2d(2), conv3x3(32, 64), nn::ReLU(),
                        nn::MaxPool2d(2), nn::Flatten(), nn::Linear(3136, 128), nn::ReLU(),
                        nn::Linear(128, 10));
}

Tensor channels_last(const Tensor& x) { return x.contiguous(torch::MemoryFormat::ChannelsLast); }

/// Moves the weights of convolutions to channels last, as PyTorch's `module.to(memory_format=..)`.
template <class Model>
void to_channels_last(Model& model) {
  torch::NoGradGuard no_grad;
  for (Tensor& p : model->parameters()) {
    if (p.dim() == 4) p.set_data(channels_last(p));
  }
}

struct ResidualBlockImpl : nn::Module {
  ResidualBlockImpl() {
    for (int i = 0; i < 3; ++i) {
      convs.push_back(register_module("conv" + std::to_string(i), conv3x3(64, 64)));
      norms.push_back(register_module("bn" + std::to_string(i), nn::BatchNorm2d(64)));
    }
  }
  Tensor forward(const Tensor& x) {
    Tensor y = norms[0](convs[0](x)).relu_();
    y = norms[1](convs[1](y)).relu_();
    return norms[2](convs[2](y)).add_(x).relu_();
  }
  std::vector<nn::Conv2d> convs;
  std::vector<nn::BatchNorm2d> norms;
};
TORCH_MODULE(ResidualBlock);

template <class Model>
Step train(const Case& c, Model model, const Tensor& input, const Tensor& labels) {
  const auto adam =
      std::make_shared<torch::optim::Adam>(model->parameters(), torch::optim::AdamOptions(1e-3));
  return torch_step(c, [=]() mutable {
    adam->zero_grad();
    const Tensor loss = nn::functional::cross_entropy(model->forward(input), labels);
    loss.backward();
    adam->step();
  });
}

Step train_images(const Case& c, nn::Sequential model) {
  return train(c, model, torch::rand({c.size, 1, 28, 28}),
               torch::randint(0, 10, {c.size}, torch::kInt64));
}

Step infer(const Case& c, nn::Sequential model) {
  model->eval();
  return torch_step_no_grad(
      c, [model, images = torch::rand({c.size, 1, 28, 28})]() mutable { model->forward(images); });
}

nn::Sequential make_cnn_channels_last() {
  nn::Sequential cnn = make_cnn();
  to_channels_last(cnn);
  return cnn;
}

Step residual(const Case& c) {
  ResidualBlock block;
  to_channels_last(block);
  const auto sgd =
      std::make_shared<torch::optim::SGD>(block->parameters(), torch::optim::SGDOptions(1e-3));
  Tensor x = channels_last(torch::randn({c.size, 64, 32, 32})).requires_grad_();
  const Tensor dy = channels_last(torch::randn({c.size, 64, 32, 32}));
  return torch_step(c, [=]() mutable {
    sgd->zero_grad();
    x.mutable_grad() = Tensor();
    block->forward(x).backward(dy);
    sgd->step();
  });
}

struct GptLayerImpl : nn::Module {
  nn::LayerNorm norm1{nn::LayerNormOptions({128})}, norm2{nn::LayerNormOptions({128})};
  nn::Linear qkv{128, 3 * 128}, out{128, 128}, up{128, 4 * 128}, down{4 * 128, 128};
  Tensor mask = torch::full({128, 128}, -INFINITY).triu(1);

  GptLayerImpl() {
    register_module("norm1", norm1);
    register_module("norm2", norm2);
    register_module("qkv", qkv);
    register_module("out", out);
    register_module("up", up);
    register_module("down", down);
  }
  Tensor forward(const Tensor& x) {
    const std::int64_t batch = x.size(0), time = x.size(1);
    const auto heads = qkv(norm1(x)).view({batch, time, 3, 4, 32}).permute({2, 0, 3, 1, 4});
    const Tensor q = heads[0] / std::sqrt(32.0), k = heads[1], v = heads[2];
    const Tensor scores = (q.matmul(k.transpose(2, 3)) + mask).softmax(-1);
    const Tensor mixed = scores.matmul(v).transpose(1, 2).reshape({batch, time, 128});
    const Tensor y = x + out(mixed);
    return y + down(torch::gelu(up(norm2(y))));
  }
};
TORCH_MODULE(GptLayer);

/// A character GPT: 4 layers, 128 wide, 4 heads, 128 characters of 65 kinds.
struct GptImpl : nn::Module {
  nn::Embedding token{65, 128}, position{128, 128};
  std::vector<GptLayer> layers{GptLayer(), GptLayer(), GptLayer(), GptLayer()};
  nn::LayerNorm norm{nn::LayerNormOptions({128})};
  nn::Linear head{128, 65};
  Tensor positions = torch::arange(128);

  GptImpl() {
    register_module("token", token);
    register_module("position", position);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      register_module("layer" + std::to_string(i), layers[i]);
    }
    register_module("norm", norm);
    register_module("head", head);
  }
  Tensor forward(const Tensor& text) {
    Tensor x = token(text) + position(positions);
    for (GptLayer& layer : layers) x = layer(x);
    return head(norm(x)).flatten(0, 1);
  }
};
TORCH_MODULE(Gpt);

struct CharLstmImpl : nn::Module {
  nn::Embedding embedding{65, 128};
  nn::LSTM lstm{nn::LSTMOptions(128, 128).batch_first(true)};
  nn::Linear head{128, 65};

  CharLstmImpl() {
    register_module("embedding", embedding);
    register_module("lstm", lstm);
    register_module("head", head);
  }
  Tensor forward(const Tensor& text) {
    return head(std::get<0>(lstm(embedding(text)))).flatten(0, 1);
  }
};
TORCH_MODULE(CharLstm);

template <class Model>
Step train_text(const Case& c) {
  return train(c, Model(), torch::randint(0, 65, {c.size, 128}, torch::kInt64),
               torch::randint(0, 65, {c.size * 128}, torch::kInt64));
}

const bool registered =
    add_torch("mlp_train", [](const Case& c) { return train_images(c, make_mlp()); }) &&
    add_torch("cnn_train",
              [](const Case& c) { return train_images(c, make_cnn_channels_last()); }) &&
    add_torch("mlp_infer", [](const Case& c) { return infer(c, make_mlp()); }) &&
    add_torch("cnn_infer", [](const Case& c) { return infer(c, make_cnn_channels_last()); }) &&
    add_torch("residual_train", residual) && add_torch("gpt_train", train_text<Gpt>) &&
    add_torch("lstm_train", train_text<CharLstm>);

}  // namespace
}  // namespace bench
