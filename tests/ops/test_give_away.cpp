// Ops that write into the memory of a tensor that was given to them, and extend its history: only
// where nobody can notice.

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reel/autograd/from_blob.h"
#include "reel/autograd/gradcheck.h"
#include "reel/autograd/tape.h"
#include "reel/ops/ops.h"
#include "support/compare.h"

using namespace reel;

namespace {

Tensor input() { return tensor({-2.0, 3.0, -1.0}, {.requires_grad = true}); }

/// The memory and the history that `relu` of a given-away `z` goes on with.
struct Before {
  const void* data;
  const void* node;

  explicit Before(const Tensor& z) : data(z.impl().data), node(z.impl().node) {}
  bool goes_on_as(const Tensor& y) const { return y.impl().data == data && y.impl().node == node; }
};

}  // namespace

TEST_CASE("relu of a tensor that is given away lies where that lay and makes no node") {
  const Tensor x = input();
  Tensor z = x * 2;
  const Before before(z);
  const Tensor y = relu(std::move(z));
  CHECK(before.goes_on_as(y));
  CHECK(std::string(y.op_name()) == "relu");
  CHECK(testing::same(y, tensor({0.0, 6.0, 0.0})));
  CHECK(testing::same(grad(y.sum(), x), tensor({0.0, 2.0, 0.0})));

  Tensor w = x * 2;
  const Before same(w);
  CHECK(same.goes_on_as(std::move(w).relu()));
}

TEST_CASE("relu without the tape lies where its input lay, too") {
  Tensor z = tensor({-2, 3});
  const void* data = z.impl().data;
  const Tensor y = relu(std::move(z));
  CHECK(y.impl().data == data);
  CHECK(testing::same(y, tensor({0, 3})));
}

TEST_CASE("relu leaves alone what somebody else can see") {
  const Tensor x = input();
  SUBCASE("a variable") {
    const Tensor z = x * 2, y = relu(z);
    CHECK(testing::same(z, tensor({-4.0, 6.0, -2.0})));
    CHECK(testing::same(grad(y.sum() + z.sum(), x), tensor({2.0, 4.0, 2.0})));
  }
  SUBCASE("a second handle") {
    Tensor z = x * 2;
    const Tensor kept = z, y = relu(std::move(z));
    CHECK(testing::same(kept, tensor({-4.0, 6.0, -2.0})));
    CHECK(testing::same(grad((y + kept).sum(), x), tensor({2.0, 4.0, 2.0})));
  }
  SUBCASE("a view") {
    Tensor z = x * 2;
    const Tensor view = z.slice(0, 0, 2), outside = z.detach(), y = relu(std::move(z));
    CHECK(testing::same(view, tensor({-4.0, 6.0})));
    CHECK(testing::same(outside, tensor({-4.0, 6.0, -2.0})));
    CHECK(testing::same(grad(y.sum() + view.sum(), x), tensor({2.0, 4.0, 0.0})));
  }
  SUBCASE("the view itself") {
    Tensor z = x * 2;
    Tensor view = z.slice(0, 0, 2);
    const Tensor y = relu(std::move(view));
    CHECK(testing::same(z, tensor({-4.0, 6.0, -2.0})));
    CHECK(testing::same(y, tensor({0.0, 6.0})));
  }
  SUBCASE("what another op saved") {
    Tensor z = x * 2;
    const Tensor squares = square(z), y = relu(std::move(z));
    CHECK(testing::same(grad(squares.sum() + y.sum(), x), tensor({-16.0, 26.0, -8.0})));
  }
  SUBCASE("what another op came from, and did not save") {
    Tensor z = x * 2;
    const Tensor sum = z.sum(), y = relu(std::move(z));
    CHECK(testing::same(grad(sum + y.sum(), x), tensor({2.0, 4.0, 2.0})));
  }
  SUBCASE("what its own op saved") {
    const Tensor y = relu(exp(x) - 1), plain = relu(exp(x));
    CHECK(testing::close(grad(plain.sum(), x), exp(x.detach())));
    CHECK(testing::close(grad(y.sum(), x), where(x > 0, exp(x.detach()), 0)));
  }
  SUBCASE("a leaf") {
    Tensor leaf = input();
    const Tensor kept = leaf, y = relu(std::move(leaf));
    CHECK(testing::same(kept, tensor({-2.0, 3.0, -1.0})));
    const Tensor only = relu(input());
    CHECK(std::string(only.op_name()) == "relu");
  }
  SUBCASE("memory that belongs to the user") {
    double numbers[] = {-1, 2};
    const Tensor y = relu(from_blob(numbers, {2}));
    CHECK(testing::same(y, tensor({0.0, 2.0}, {.dtype = float64})));
    CHECK(numbers[0] == -1);
  }
  SUBCASE("elements that lie with gaps or over one another") {
    const Tensor y = relu((x * 2).slice(0, 0, 3, 2)),
                 wide = relu((x * 2).unsqueeze(1).expand({3, 2}));
    CHECK(testing::same(y, tensor({0.0, 0.0})));
    CHECK(testing::same(wide, tensor({{0.0, 0.0}, {6.0, 6.0}, {0.0, 0.0}})));
    CHECK(testing::same(grad(wide.sum(), x), tensor({0.0, 4.0, 0.0})));
  }
}

TEST_CASE("relu outside the tape of what was recorded has no history") {
  Tensor z = input() * 2;
  const NoGradGuard no_grad;
  const Tensor y = relu(std::move(z));
  CHECK_FALSE(y.requires_grad());
  CHECK(testing::same(y, tensor({0.0, 6.0, 0.0})));
}

TEST_CASE("a history that relu has extended is walked as any other") {
  const Tensor x = input();
  const auto f = [](const Tensor& v) { return relu(v * v - 2) * v; };
  const Tensor exact = x.detach().to(float64).requires_grad_();
  CHECK(gradcheck(f, exact));
  CHECK(gradgradcheck(f, exact));

  SUBCASE("twice, where it is retained, and once where not") {
    const Tensor y = relu(x * x).sum();
    y.backward({.retain_graph = true});
    y.backward();
    CHECK(testing::same(x.grad(), tensor({-8.0, 12.0, -4.0})));
    CHECK_THROWS_WITH_AS(
        y.backward(),
        "[backward] expected the graph of 'relu' to be there, got one freed by an earlier backward\n"
        "help: pass {.retain_graph = true} to the earlier one",
        Error);
  }
  SUBCASE("with respect to the result") {
    const Tensor y = relu(x * 2), z = (y * y).sum();
    CHECK(testing::same(grad(z, y), tensor({0.0, 12.0, 0.0})));
  }
  SUBCASE("with the result changed in place, which is an error") {
    const Tensor y = relu(x * 2);
    {
      const NoGradGuard no_grad;
      y.add_(1);
    }
    CHECK_THROWS_WITH_AS(y.sum().backward(),
                         doctest::Contains("[relu] expected the tensor of shape"), Error);
  }
  SUBCASE("one relu after the other") {
    const Tensor y = relu(relu(x * 2));
    CHECK(testing::same(grad(y.sum(), x), tensor({0.0, 2.0, 0.0})));
  }
}

TEST_CASE("max_pool2d of a convolution that is given away makes one node, and frees what it made") {
  manual_seed(1);
  const Tensor x = randn({2, 1, 6, 6}), w = randn({3, 1, 3, 3}, {.requires_grad = true});
  const Tensor y = max_pool2d(relu(conv2d(x, w)), 2);
  CHECK(std::string(y.op_name()) == "conv2d_max_pool2d");
  const Tensor kept = relu(conv2d(x, w));
  CHECK(std::string(max_pool2d(kept, 2).op_name()) == "max_pool2d");
  CHECK(testing::same(y, max_pool2d(kept, 2)));

  // Without the ReLU, and with an image that has no batch.
  const Tensor z = conv2d(x, w), plain = max_pool2d(z, 2), joined = max_pool2d(conv2d(x, w), 2);
  CHECK(std::string(joined.op_name()) == "conv2d_max_pool2d");
  CHECK(testing::close(grad(square(joined).sum(), w), grad(square(plain).sum(), w), 1e-4));
  const Tensor single = conv2d(x[0], w), of_single = max_pool2d(single, 2);
  CHECK(testing::close(grad(square(max_pool2d(conv2d(x[0], w), 2)).sum(), w),
                       grad(square(of_single).sum(), w), 1e-4));
}

TEST_CASE("max_pool2d takes the ReLU off a history only where nobody else needs it") {
  manual_seed(2);
  const Tensor x = randn({1, 2, 4, 4}, {.requires_grad = true});
  SUBCASE("the result of the ReLU is used elsewhere") {
    Tensor y = relu(x * 2);
    const Tensor sum = y.sum(), pooled = max_pool2d(std::move(y), 2);
    const Tensor z = x * 2, positive = relu(z);
    CHECK(testing::same(grad(sum + pooled.sum(), x),
                        grad(positive.sum() + max_pool2d(positive, 2).sum(), x)));
  }
  SUBCASE("a gradient with respect to it is asked for") {
    const Tensor y = relu(x * 2), pooled = max_pool2d(y, 2);
    CHECK(testing::same(grad(pooled.sum(), y) * 2, grad(max_pool2d(relu(x * 2), 2).sum(), x)));
    CHECK(testing::same(grad(y.sum(), x), where(x > 0, 2.0f, 0.0f)));
  }
}
