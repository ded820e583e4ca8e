#include "reel/nn/call.h"
#include "reel/nn/rnn.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "support/compare.h"
#include "support/layer_check.h"
#include "support/op_check.h"

using namespace reel;
using testing::check_values;
using testing::values_of;

namespace {

// The numbers expected below are PyTorch 2.15's, for parameters 0.5 sin(0.7 i + k), i the place in
// the k-th parameter, and inputs made in the same way:
//
//   def wave(shape, k):
//       return 0.5 * torch.sin(0.7 * torch.arange(math.prod(shape)).double() + k).reshape(shape)
//   lstm = torch.nn.LSTM(2, 2, ...).double()
//   for k, p in enumerate(lstm.parameters()): p.data = wave(p.shape, k)
//   y, (h, c) = lstm(wave((3, 2, 2), 100), (wave(h_shape, 200), wave(c_shape, 300)))

Tensor wave(const Shape& shape, double k) {
  Tensor x = empty(shape, {.dtype = float64});
  for (Size i = 0; i < x.numel(); ++i) {
    x.data_ptr<double>()[i] = 0.5 * std::sin(0.7 * static_cast<double>(i) + k);
  }
  return x;
}

template <class Layer>
Layer with_waves(Layer layer) {
  nn::to(layer, float64);
  const NoGradGuard no_grad;
  double k = 0;
  for (const Tensor& parameter : nn::parameters(layer)) {
    parameter.copy_(wave(parameter.shape(), k++));
  }
  return layer;
}

/// The output alone, for the layer check.
struct Output {
  nn::LSTM lstm;
  nn::Hooks hooks = {};
  Tensor operator()(const Tensor& x) const {
    return nn::call(
        this, [&] { return lstm(x).output; }, x);
  }
};
struct Step {
  nn::LSTMCell cell;
  nn::Hooks hooks = {};
  Tensor operator()(const Tensor& x) const {
    return nn::call(
        this, [&] { return cell(x).h; }, x);
  }
};

std::vector<std::string> keys(const StateDict& state) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : state) result.push_back(name);
  return result;
}

}  // namespace

TEST_CASE("LSTM passes the layer check") {
  testing::check_layer(Output{{.input_size = 3, .hidden_size = 2}},
                       {.input = {3, 2, 3},
                        .output = {3, 2, 2},
                        .parameters = {"lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0",
                                       "lstm.bias_hh_l0"},
                        .num_parameters = 56,
                        .batch_dim = 1});
  testing::check_layer(
      Output{{.input_size = 2,
              .hidden_size = 2,
              .num_layers = 2,
              .bias = false,
              .batch_first = true,
              .bidirectional = true}},
      {.input = {2, 3, 2},
       .output = {2, 3, 4},
       .parameters = {"lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.weight_ih_l0_reverse",
                      "lstm.weight_hh_l0_reverse", "lstm.weight_ih_l1", "lstm.weight_hh_l1",
                      "lstm.weight_ih_l1_reverse", "lstm.weight_hh_l1_reverse"},
       .num_parameters = 160});
  testing::check_layer(Output{{.input_size = 2, .hidden_size = 2, .num_layers = 2, .dropout = 0.5}},
                       {.input = {2, 2},
                        .output = {2, 2},
                        .parameters = {"lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0",
                                       "lstm.bias_hh_l0", "lstm.weight_ih_l1", "lstm.weight_hh_l1",
                                       "lstm.bias_ih_l1", "lstm.bias_hh_l1"},
                        .num_parameters = 96,
                        .random_in_training = true,
                        .batch_dim = {}});
}

TEST_CASE("LSTMCell passes the layer check") {
  testing::check_layer(
      Step{{.input_size = 3, .hidden_size = 2}},
      {.input = {4, 3},
       .output = {4, 2},
       .parameters = {"cell.weight_ih", "cell.weight_hh", "cell.bias_ih", "cell.bias_hh"},
       .num_parameters = 56});
  testing::check_layer(Step{{.input_size = 3, .hidden_size = 2, .bias = false}},
                       {.input = {3},
                        .output = {2},
                        .parameters = {"cell.weight_ih", "cell.weight_hh"},
                        .num_parameters = 40,
                        .batch_dim = {}});
}

TEST_CASE("LSTM's parameters have PyTorch's names and shapes") {
  const nn::LSTM lstm{.input_size = 3, .hidden_size = 5, .num_layers = 2, .bidirectional = true};
  CHECK(keys(nn::state_dict(lstm)) ==
        std::vector<std::string>{
            "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_ih_l0_reverse",
            "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse", "weight_ih_l1",
            "weight_hh_l1", "bias_ih_l1", "bias_hh_l1", "weight_ih_l1_reverse",
            "weight_hh_l1_reverse", "bias_ih_l1_reverse", "bias_hh_l1_reverse"});
  CHECK(lstm.weights["weight_ih_l0"].shape() == Shape{20, 3});
  CHECK(lstm.weights["weight_ih_l1"].shape() == Shape{20, 10});
  CHECK(lstm.weights["weight_hh_l1_reverse"].shape() == Shape{20, 5});
  CHECK(lstm.weights["bias_hh_l1"].shape() == Shape{20});
  CHECK(keys(nn::state_dict(nn::LSTMCell{3, 5})) ==
        std::vector<std::string>{"weight_ih", "weight_hh", "bias_ih", "bias_hh"});
}

TEST_CASE("LSTM starts uniform in +-1 / sqrt(hidden_size)") {
  manual_seed(3);
  const nn::LSTM lstm{.input_size = 50, .hidden_size = 25};
  for (const auto& entry : lstm.weights) {
    CAPTURE(entry.first);
    const Tensor& parameter = entry.second;
    CHECK(parameter.amax().item() <= 0.2);
    CHECK(parameter.amin().item() >= -0.2);
    CHECK(parameter.amax().item() > 0.17);
    CHECK(parameter.amin().item() < -0.17);
  }
  const nn::LSTMCell cell{.input_size = 50, .hidden_size = 25};
  CHECK(cell.weight_ih.amax().item() <= 0.2);
  CHECK(cell.weight_ih.amax().item() > 0.17);
}

TEST_CASE("LSTM gives PyTorch's numbers and gradients") {
  const nn::LSTM lstm = with_waves(nn::LSTM{.input_size = 2, .hidden_size = 2});
  const Tensor x = wave({3, 2, 2}, 100).requires_grad_();
  const auto [y, state] = lstm(x);
  const double tolerance = 1e-10;
  check_values(y, {3, 2, 2},
               {-0.196316985132, -0.0890527460463, -0.276726728963, 0.0461679189053,
                -0.332410094381, -0.0973013115729, -0.252823753063, -0.148987903246,
                -0.269310987225, -0.21568561074, -0.34291583357, -0.106523269197},
               tolerance);
  check_values(state.h, {1, 2, 2},
               {-0.269310987225, -0.21568561074, -0.34291583357, -0.106523269197}, tolerance);
  check_values(state.c, {1, 2, 2},
               {-0.553230417983, -0.289214203818, -0.619684959444, -0.156091974995}, tolerance);

  // (y * wave(y.shape, 400)).sum() + (c * wave(c.shape, 500)).sum()
  ((y * wave({3, 2, 2}, 400)).sum() + (state.c * wave({1, 2, 2}, 500)).sum()).backward();
  check_values(x.grad(), {3, 2, 2},
               {0.00560637544078, -0.0552651314665, 0.0251349843079, -0.00537887939379,
                -0.0182892627789, -0.0140632927229, 0.00208874756758, -0.00984558306666,
                0.0306334685389, -0.0541247599598, 0.0325744994174, -0.0921030794568},
               tolerance);
  check_values(lstm.weights["weight_ih_l0"].grad(), {8, 2},
               {-0.00792878763148, 0.0445897207438, -0.060435340787, -0.0260162950299,
                -0.01487940023, 0.0151786518734, -0.00925154625458, 0.00225825082364,
                0.0357147777644, -0.0830271173294, 0.0807023764032, -0.0690378418908,
                -0.00191006300764, 0.0539724037079, -0.0170386068397, -0.00129405839408},
               tolerance);
  check_values(lstm.weights["weight_hh_l0"].grad(), {8, 2},
               {-0.0487236747212, -0.0203822362883, -0.0487053162205, -0.0136687108059,
                -0.0385137431845, -0.0156594981366, -0.013146503917, -0.00564074207537,
                0.105977086512, 0.0412590489068, 0.135957181983, 0.0544251004667, -0.00779807764046,
                -0.0106832904876, -0.00783153391298, -0.00273026658358},
               tolerance);
  for (const char* name : {"bias_ih_l0", "bias_hh_l0"}) {
    check_values(lstm.weights[name].grad(), {8},
                 {0.24218467997, 0.178750823777, 0.138263071697, 0.0443619009435, -0.555013637147,
                  -0.677432623814, 0.0926121828475, 0.0347844262185},
                 tolerance);
  }
}

TEST_CASE("LSTM of two layers and both directions gives PyTorch's numbers from a given state") {
  const nn::LSTM lstm = with_waves(
      nn::LSTM{.input_size = 2, .hidden_size = 2, .num_layers = 2, .bidirectional = true});
  const auto [y, state] =
      lstm(wave({3, 2, 2}, 100), {.h = wave({4, 2, 2}, 200), .c = wave({4, 2, 2}, 300)});
  const double tolerance = 1e-10;
  check_values(
      y, {3, 2, 4},
      {-0.0798183977728, 0.0731905244128, -0.294652583505, -0.334836871314, -3.81179622804e-06,
       0.0923231343738,  -0.288680203801, -0.356811401974, 0.0477473604474, 0.177925633555,
       -0.248197042635,  -0.264475021804, 0.0956579990946, 0.164794830634,  -0.243899114187,
       -0.291967629003,  0.101084766645,  0.212982508777,  -0.15028837154,  -0.0800124217935,
       0.122819211408,   0.206675222114,  -0.115920962926, -0.163241544112},
      tolerance);
  check_values(state.h, {4, 2, 2},
               {-0.293048234534, -0.260231503029, -0.333948263405, -0.0824142452135,
                0.0616878641721, -0.130073733016, 0.0718489875215, -0.255092259716, 0.101084766645,
                0.212982508777, 0.122819211408, 0.206675222114, -0.294652583505, -0.334836871314,
                -0.288680203801, -0.356811401974},
               tolerance);
  check_values(state.c, {4, 2, 2},
               {-0.60527127265, -0.348243348522, -0.604471698552, -0.121599078205, 0.206632473169,
                -0.475120985685, 0.228642323389, -0.729279273847, 0.151720323443, 0.411674456673,
                0.18999494979, 0.384039976616, -0.670661099789, -0.591225527014, -0.734218700987,
                -0.605320858516},
               tolerance);
}

TEST_CASE("LSTM with the batch first gives PyTorch's numbers") {
  const nn::LSTM lstm =
      with_waves(nn::LSTM{.input_size = 2, .hidden_size = 2, .batch_first = true});
  const auto [y, state] =
      lstm(wave({2, 3, 2}, 100), {.h = wave({1, 2, 2}, 200), .c = wave({1, 2, 2}, 300)});
  check_values(y, {2, 3, 2},
               {-0.298146750896, -0.256910280098, -0.396516173065, -0.100040217401, -0.389565112988,
                -0.137354127354, -0.15083842036, -0.0377626689047, -0.218337454053, -0.171091304455,
                -0.332651543103, -0.109573467425},
               1e-10);
  check_values(state.h, {1, 2, 2},
               {-0.389565112988, -0.137354127354, -0.332651543103, -0.109573467425}, 1e-10);
  check_values(state.c, {1, 2, 2},
               {-0.712613044556, -0.194564560566, -0.594248121918, -0.161008199765}, 1e-10);
}

TEST_CASE("LSTM takes a single sequence without a batch") {
  for (const bool batch_first : {false, true}) {
    const nn::LSTM lstm = with_waves(nn::LSTM{.input_size = 2,
                                              .hidden_size = 3,
                                              .num_layers = 2,
                                              .batch_first = batch_first,
                                              .bidirectional = true});
    const Tensor x = wave({4, 2}, 1), h = wave({4, 3}, 2), c = wave({4, 3}, 3);
    const auto [y, state] = lstm(x, {h, c});
    const auto [expected, end] =
        lstm(unsqueeze(x, batch_first ? 0 : 1), {unsqueeze(h, 1), unsqueeze(c, 1)});
    CHECK(y.shape() == Shape{4, 6});
    CHECK(state.h.shape() == Shape{4, 3});
    CHECK(state.c.shape() == Shape{4, 3});
    CHECK(values_of(y) == values_of(expected));
    CHECK(values_of(state.h) == values_of(end.h));
    CHECK(values_of(state.c) == values_of(end.c));
  }
}

TEST_CASE("LSTM goes on from the state it returned") {
  const nn::LSTM lstm = with_waves(nn::LSTM{.input_size = 2, .hidden_size = 3, .num_layers = 2});
  const Tensor x = wave({5, 2, 2}, 7);
  const auto [whole, end] = lstm(x);
  const auto [first, middle] = lstm(narrow(x, 0, 0, 2));
  const auto [second, last] = lstm(narrow(x, 0, 2, 3), middle);
  check_values(cat({first, second}), {5, 2, 3}, values_of(whole), 1e-14);
  check_values(last.c, {2, 2, 3}, values_of(end.c), 1e-14);
}

TEST_CASE("LSTM drops between its layers in training only") {
  nn::LSTM lstm{.input_size = 4, .hidden_size = 8, .num_layers = 2, .dropout = 0.5};
  const Tensor x = ones({3, 2, 4});
  manual_seed(1);
  const Tensor first = lstm(x).output.detach();
  CHECK_FALSE(testing::same(lstm(x).output, first));
  manual_seed(1);
  CHECK(testing::same(lstm(x).output, first));
  nn::eval(lstm);
  const Tensor quiet = lstm(x).output;
  CHECK(testing::same(lstm(x).output, quiet));
  CHECK_FALSE(testing::same(first, quiet));
  // Behind the last layer nothing is dropped.
  const nn::LSTM single{.input_size = 4, .hidden_size = 8, .dropout = 0.5};
  CHECK(testing::same(single(x).output, single(x).output));
}

TEST_CASE("LSTMCell gives PyTorch's numbers") {
  const nn::LSTMCell cell = with_waves(nn::LSTMCell{.input_size = 2, .hidden_size = 3});
  const Tensor x = wave({2, 2}, 100), h_0 = wave({2, 3}, 200), c_0 = wave({2, 3}, 300);
  const auto [h, c] = cell(x, {h_0, c_0});
  check_values(h, {2, 3},
               {-0.0629032564582, 0.074324410636, 0.110021585189, 0.468856185148, 0.101936250339,
                0.0892805101137},
               1e-10);
  check_values(c, {2, 3},
               {-0.109309383428, 0.164605112647, 0.285389115059, 0.70468125757, 0.20543497687,
                0.309629679871},
               1e-10);
  const auto [single_h, single_c] = cell(select(x, 0, 1), {select(h_0, 0, 1), select(c_0, 0, 1)});
  check_values(single_h, {3}, values_of(select(h, 0, 1)));
  check_values(single_c, {3}, values_of(select(c, 0, 1)));
}

TEST_CASE("LSTM says what does not fit") {
  const nn::LSTM lstm{.input_size = 64, .hidden_size = 5};
  CHECK_THROWS_WITH_AS(lstm(ones({3, 2, 63})),
                       "[LSTM] expected input of shape [T, N, 64] or [T, 64], got [3, 2, 63]"
                       "\n  in LSTM{input_size=64, hidden_size=5}",
                       Error);
  CHECK_THROWS_WITH_AS(lstm(ones({64})),
                       "[LSTM] expected input of shape [T, N, 64] or [T, 64], got [64]"
                       "\n  in LSTM{input_size=64, hidden_size=5}",
                       Error);
  CHECK_THROWS_WITH_AS(
      (nn::LSTM{.input_size = 64, .hidden_size = 5, .batch_first = true}(ones({3, 2, 63}))),
      "[LSTM] expected input of shape [N, T, 64] or [T, 64], got [3, 2, 63]"
      "\n  in LSTM{input_size=64, hidden_size=5}",
      Error);
  CHECK_THROWS_WITH_AS(lstm(ones({0, 2, 64})),
                       "[LSTM] expected a sequence with at least one step, got shape [0, 2, 64]"
                       "\n  in LSTM{input_size=64, hidden_size=5}",
                       Error);
  CHECK_THROWS_WITH_AS(lstm(ones({3, 2, 64}), {.h = ones({1, 3, 5})}),
                       "[LSTM] expected h_0 of shape [1, 2, 5], got [1, 3, 5]"
                       "\n  in LSTM{input_size=64, hidden_size=5}",
                       Error);
  CHECK_THROWS_WITH_AS(lstm(ones({3, 64}), {.c = ones({1, 1, 5})}),
                       "[LSTM] expected c_0 of shape [1, 5], got [1, 1, 5]"
                       "\n  in LSTM{input_size=64, hidden_size=5}",
                       Error);
  CHECK_THROWS_WITH_AS((nn::parameters(nn::LSTM{.input_size = 0, .hidden_size = 5})),
                       "[LSTM] expected a positive input_size and hidden_size, got 0 and 5", Error);
  CHECK_THROWS_WITH_AS(
      (nn::parameters(nn::LSTM{.input_size = 1, .hidden_size = 5, .num_layers = 0})),
      "[LSTM] expected a positive num_layers, got 0", Error);
  CHECK_THROWS_WITH_AS(
      (nn::parameters(nn::LSTM{.input_size = 1, .hidden_size = 5, .dropout = 1.5})),
      "[LSTM] expected dropout in [0, 1], got 1.5", Error);
  const nn::LSTMCell cell{.input_size = 4, .hidden_size = 5};
  CHECK_THROWS_WITH_AS(cell(ones({3, 5})),
                       "[LSTMCell] expected input of shape [N, 4] or [4], got [3, 5]"
                       "\n  in LSTMCell{input_size=4, hidden_size=5}",
                       Error);
  CHECK_THROWS_WITH_AS(cell(ones({3, 4}), {.h = ones({2, 5})}),
                       "[LSTMCell] expected h_0 of shape [3, 5], got [2, 5]"
                       "\n  in LSTMCell{input_size=4, hidden_size=5}",
                       Error);
  CHECK_THROWS_WITH_AS((nn::parameters(nn::LSTMCell{.input_size = 4, .hidden_size = -1})),
                       "[LSTMCell] expected a positive input_size and hidden_size, got 4 and -1",
                       Error);
}

TEST_CASE("NamedParameters are found, saved and copied as fields of the module around them") {
  struct Mix {
    nn::NamedParameters weights = {{"low", ones({2})}, {"high", zeros({3})}};
  };
  const Mix mix;
  CHECK(keys(nn::state_dict(mix)) == std::vector<std::string>{"low", "high"});
  CHECK(nn::parameters(mix)[1].is_same(mix.weights["high"]));
  CHECK(mix.weights[0].is_same(mix.weights["low"]));
  Mix copy = nn::clone(mix);
  CHECK(copy.weights.size() == 2);
  CHECK_FALSE(copy.weights["low"].is_same(mix.weights["low"]));
  copy.weights.push_back("middle", ones({1}));
  CHECK(copy.weights["middle"].requires_grad());
  CHECK_THROWS_WITH_AS(copy.weights.push_back("low", ones({1})),
                       "[NamedParameters] expected a new name, got \"low\" again", Error);
  CHECK_THROWS_WITH_AS(
      mix.weights["bias"],
      "[NamedParameters] expected the name of a parameter (low, high), got \"bias\"", Error);
}
