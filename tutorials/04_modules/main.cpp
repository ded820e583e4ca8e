// Tutorial 4: modules. Read it beside README.md; every CLAIM is checked when the program runs.

#include <reel/reel.h>

#include <cmath>
#include <iostream>
#include <vector>

#include "../claim.h"

using namespace reel;

namespace {

// A model is a plain struct whose members are layers and whose operator() says how they are used.
// There is no base class and nothing to register: Reel finds the members by looking at the struct.
struct Classifier {
  Size hidden = 32;
  nn::Linear fc1{.in_features = 4, .out_features = hidden};
  nn::Linear fc2{.in_features = hidden, .out_features = 3};

  Tensor operator()(const Tensor& x) const { return fc2(relu(fc1(x))); }
};

void a_plain_struct() {
  std::cout << "--- A plain struct\n";

  manual_seed(0);
  Classifier net{.hidden = 16};
  const Tensor logits = net(randn({8, 4}));
  CLAIM(logits.shape() == Shape{8, 3});

  for (const auto& [name, parameter] : nn::named_parameters(net)) {
    std::cout << name << " " << parameter.shape() << "\n";
  }
  CLAIM(nn::named_parameters(net)[0].first == "fc1.weight");
  CLAIM(nn::num_parameters(net) == 4 * 16 + 16 + 16 * 3 + 3);

  std::cout << nn::summary(net, zeros({1, 4})) << "\n";
}

// A layer of one's own is a struct as well. nn::Parameter marks what is trained, nn::Buffer what is
// only kept; plain numbers are settings.
struct Scale {
  nn::Required<Size> features;
  nn::Parameter factor = ones({features});
  nn::Buffer calls = zeros({}, {.dtype = int64});

  Tensor operator()(const Tensor& x) const {
    calls.add_(1);
    return x * factor;
  }
};

// Structs nest, and so do containers: names follow the path.
struct Block {
  nn::Required<Size> features;
  nn::Linear linear{features, features};
  Scale scale{features};

  Tensor operator()(const Tensor& x) const { return x + scale(tanh(linear(x))); }
};

struct Deep {
  nn::Linear in{4, 8};
  std::vector<Block> blocks = nn::repeat(2, [] { return Block{8}; });
  nn::Linear out{8, 3};

  Tensor operator()(const Tensor& x) const {
    Tensor h = in(x);
    for (const Block& block : blocks) h = block(h);
    return out(h);
  }
};

void structs_in_structs() {
  std::cout << "--- Structs in structs\n";

  const Deep net;
  net(zeros({2, 4}));
  for (const auto& [name, tensor] : nn::state_dict(net)) {
    std::cout << name << " " << tensor.shape() << "\n";
  }
  CLAIM(nn::state_dict(net).at("blocks.1.scale.calls").item<int>() == 1);
  CLAIM(nn::parameters(net).size() == 10);  // the two buffers are not among them
}

void layers_in_a_row() {
  std::cout << "--- Layers in a row\n";

  // Where one layer simply follows the other, no struct is needed.
  nn::Sequential model{nn::Linear{4, 16}, nn::ReLU{}, nn::Dropout{0.5}, nn::Linear{16, 3}};
  CLAIM(nn::named_parameters(model)[2].first == "3.weight");
  CLAIM(model.at<nn::Linear>(0).out_features == 16);

  // A network whose depth is known at run time only.
  nn::Sequential deep;
  for (int i = 0; i < 5; ++i) deep.push_back(nn::Linear{4, 4});
  CLAIM(deep(zeros({1, 4})).shape() == Shape{1, 4});
  CLAIM(nn::num_parameters(deep) == 5 * (4 * 4 + 4));
}

// A Sequential may be a member.
struct TwoHeads {
  nn::Sequential body{nn::Linear{4, 16}, nn::ReLU{}};
  nn::Linear kind{16, 3}, size{16, 1};
};

// A class with private members or a constructor says what its fields are.
class Encoder {
 public:
  explicit Encoder(Size width) : layer_{4, width} {}
  Tensor operator()(const Tensor& x) const { return relu(layer_(x)); }

 private:
  nn::Linear layer_;
  REEL_FIELDS(layer_)
};

void members_and_classes() {
  const TwoHeads heads;
  CLAIM(nn::named_parameters(heads)[0].first == "body.0.weight");
  CLAIM(heads.size(heads.body(zeros({2, 4}))).shape() == Shape{2, 1});

  const Encoder encoder(8);
  CLAIM(nn::named_parameters(encoder)[0].first == "layer_.weight");
}

void first_values() {
  manual_seed(0);
  Deep net;
  nn::apply(net, [](nn::Linear& layer) { nn::init::xavier_uniform_(layer.weight); });
  CLAIM(net.in.weight.abs().max().item() <= std::sqrt(6.0 / (4 + 8)));  // [8, 4]
}

void train_and_eval() {
  std::cout << "--- Train and eval\n";

  // Some layers behave differently while learning: Dropout drops, BatchNorm looks at the batch.
  nn::Sequential model{nn::Dropout{0.5}};
  const Tensor x = ones({1000});
  manual_seed(0);
  const double dropped = (model(x) == 0).to(float32).mean().item();
  std::cout << "dropped in training: " << dropped << "\n";
  CLAIM(dropped > 0.4 && dropped < 0.6);

  nn::eval(model);
  CLAIM((model(x) == x).all().item<bool>());
  nn::train(model);
  CLAIM(nn::is_training(model));
}

void copies() {
  std::cout << "--- Copies\n";

  // A copy of a module shares its parameters, as a copy of a tensor does; clone() has its own.
  Classifier net;
  Classifier same = net, own = nn::clone(net);
  {
    NoGradGuard no_grad;
    net.fc1.bias.fill_(7);
  }
  CLAIM(same.fc1.bias[0].item() == 7);
  CLAIM(own.fc1.bias[0].item() != 7);

  // A state dict carries the values from one model to another of the same shape.
  nn::load_state_dict(own, nn::state_dict(net));
  CLAIM(own.fc1.bias[0].item() == 7);

  Classifier wider{.hidden = 64};
  try {
    nn::load_state_dict(wider, nn::state_dict(net));
    CLAIM(false);
  } catch (const Error& error) {
    std::cout << error.what() << "\n";
  }
}

void look_on() {
  std::cout << "--- Looking on\n";

  Classifier net;
  Tensor features;
  HookHandle handle = nn::register_forward_hook(
      net.fc1, [&](const nn::Linear&, const Tensor&, const Tensor& y) { features = y; });
  net(randn({8, 4}));
  std::cout << "features " << to_string(features.shape()) << "\n";
  handle.remove();

  nn::register_full_backward_pre_hook(
      net.fc2, [](const nn::Linear&, const Tensor& dy) { return clamp(dy, -0.01, 0.01); });
  (1000 * net(randn({8, 4}))).sum().backward();
  CLAIM(abs(net.fc2.bias.grad()).max().item() <= 0.0801);
}

void freeze() {
  std::cout << "--- Freezing\n";

  // Transfer learning: keep what fc1 has learnt, train fc2 only.
  Classifier net;
  nn::requires_grad_(net.fc1, false);
  nn::cross_entropy(net(randn({8, 4})), randint(3, {8})).backward();
  CLAIM(!net.fc1.weight.grad().defined());
  CLAIM(net.fc2.weight.grad().defined());
}

// Four numbers a flower, three kinds of flowers: drawn here around three centres.
TensorDataset<2> flowers() {
  manual_seed(4);
  const Tensor centres =
      tensor({{1.0, 0.0, 0.0, 1.0}, {0.0, 1.0, 0.0, -1.0}, {0.0, 0.0, 1.0, 0.0}});
  const Tensor kinds = randint(3, {300});
  return TensorDataset{centres.index_select(0, kinds) + 0.3 * randn({300, 4}), kinds};
}

void learn() {
  std::cout << "--- Learning\n";

  const auto data = flowers();
  Deep net;
  optim::AdamW adam{nn::parameters(net), {.lr = 5e-3}};
  for (int epoch = 1; epoch <= 10; ++epoch) {
    for (auto [measures, kinds] : DataLoader{data, {.batch_size = 20, .shuffle = true}}) {
      adam.zero_grad();
      nn::cross_entropy(net(measures), kinds).backward();
      adam.step();
    }
  }

  const auto [measures, kinds] = data.tensors();
  const double accuracy = train::accuracy(train::predict(net, measures), kinds);
  std::cout << "accuracy " << accuracy << "\n";
  CLAIM(accuracy > 0.95);
}

}  // namespace

int main() {
  a_plain_struct();
  structs_in_structs();
  layers_in_a_row();
  members_and_classes();
  first_values();
  train_and_eval();
  copies();
  look_on();
  freeze();
  learn();
}
