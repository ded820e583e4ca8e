#include "reel/nn/embedding.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "reel/autograd/random.h"
#include "reel/base/threads.h"
#include "support/compare.h"
#include "support/layer_check.h"
#include "support/op_check.h"

using namespace reel;
using testing::check_values;

TEST_CASE("Embedding looks rows up, whatever the shape of the indices") {
  const nn::Embedding table{.num_embeddings = 3,
                            .embedding_dim = 2,
                            .weight = tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}})};
  check_values(table(tensor({{2, 0}, {1, 2}})), {2, 2, 2}, {5, 6, 1, 2, 3, 4, 5, 6});
  check_values(table(tensor({{2, 0}, {1, 2}}).to(int32).t()), {2, 2, 2}, {5, 6, 3, 4, 1, 2, 5, 6});
  check_values(table(tensor(1)), {2}, {3, 4});
  CHECK(table(zeros({0, 4}, {.dtype = int64})).shape() == Shape{0, 4, 2});
}

TEST_CASE("Embedding adds up the gradients of repeated rows") {
  const nn::Embedding table{4, 2};
  const Tensor y = table(tensor({1, 3, 1}));
  y.backward({.gradient = tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}})});
  check_values(table.weight.grad(), {4, 2}, {0, 0, 6, 8, 0, 0, 3, 4});
}

TEST_CASE("Embedding starts as normal numbers, its padding as zeros") {
  manual_seed(2);
  const nn::Embedding table{.num_embeddings = 200, .embedding_dim = 50, .padding_idx = -1};
  CHECK((table.weight[199] == 0).all().item<bool>());
  CHECK(table.weight.mean().item() == doctest::Approx(0).epsilon(0.03));
  CHECK(table.weight.std().item() == doctest::Approx(1).epsilon(0.03));
  CHECK(testing::layer::names(nn::named_parameters(table)) == std::vector<std::string>{"weight"});
  nn::Embedding other{.num_embeddings = 200, .embedding_dim = 50};
  nn::load_state_dict(other, nn::state_dict(table));
  CHECK(testing::same(other.weight, table.weight));
}

TEST_CASE("the padding row of Embedding gets no gradient") {
  for (const Size padding : {1, -2}) {
    const nn::Embedding table{.num_embeddings = 3, .embedding_dim = 2, .padding_idx = padding};
    const Tensor y = table(tensor({{1, 0}, {1, 2}}));
    y.backward({.gradient = ones({2, 2, 2})});
    check_values(table.weight.grad(), {3, 2}, {1, 1, 0, 0, 1, 1});
  }
}

TEST_CASE("embedding can be differentiated twice") {
  const Tensor indices = tensor({{1, 0, 3}, {1, 1, 2}});
  const Tensor weight = testing::random_tensor({4, 3});
  testing::check_gradients([&](const Tensor& w) { return square(embedding(indices, w)); }, weight);
  const Tensor x = weight.detach().requires_grad_();
  // The padding row is taken for a constant, as in PyTorch.
  const Tensor dx =
      grad(pow(embedding(indices, x, {.padding_idx = 1}), 3).sum(), x, {.create_graph = true});
  const Tensor count = tensor({{1}, {0}, {1}, {1}});
  check_values(dx, {4, 3}, testing::values_of(3 * square(weight) * count));
  check_values(grad(dx.sum(), x), {4, 3}, testing::values_of(6 * weight * count));
}

TEST_CASE("embedding gives the same bits on one thread and on two") {
  const int before = get_num_threads();
  manual_seed(4);
  const Tensor indices = randint(65, {3000}), weight = randn({65, 128}).requires_grad_();
  const Tensor dy = randn({3000, 128});
  set_num_threads(1);
  const Tensor one = grad(embedding(indices, weight), weight, {.grad_outputs = {dy}});
  set_num_threads(2);
  const Tensor two = grad(embedding(indices, weight), weight, {.grad_outputs = {dy}});
  set_num_threads(before);
  CHECK(testing::same(one, two));
}

TEST_CASE("Embedding says what it expected") {
  const nn::Embedding table{10, 2};
  CHECK_THROWS_WITH_AS(table(tensor({3, 12})),
                       "[embedding] expected indices in [0, 10), got 12"
                       "\n  in Embedding{num_embeddings=10, embedding_dim=2}",
                       Error);
  CHECK_THROWS_WITH_AS(table(tensor({3, -1})),
                       "[embedding] expected indices in [0, 10), got -1"
                       "\n  in Embedding{num_embeddings=10, embedding_dim=2}",
                       Error);
  CHECK_THROWS_WITH_AS(table(tensor({1.5})),
                       "[embedding] expected indices of dtype int64 or int32, got float32"
                       "\n  in Embedding{num_embeddings=10, embedding_dim=2}",
                       Error);
  CHECK_THROWS_WITH_AS(embedding(tensor({0}), zeros({3})),
                       "[embedding] expected a weight [n, d], got shape [3]", Error);
  CHECK_THROWS_WITH_AS(embedding(tensor({0}), zeros({3, 2}), {.padding_idx = 3}),
                       "[embedding] expected a padding_idx in [-3, 3), got 3", Error);
  CHECK_THROWS_WITH_AS(
      nn::num_parameters(nn::Embedding{.num_embeddings = 3, .embedding_dim = 2, .padding_idx = -4}),
      "[Embedding] expected a padding_idx in [-3, 3), got -4", Error);
  CHECK_THROWS_WITH_AS(
      nn::num_parameters(nn::Embedding{-1, 2}),
      "[Embedding] expected num_embeddings and embedding_dim of 0 or more, got -1 and 2", Error);
}
