#include "reel/ops/sequence/attention.h"

#include <cmath>
#include <limits>

#include "reel/base/threads.h"
#include "support/fold_check.h"

using namespace reel;
using namespace reel::testing;

namespace {

/// Numbers that PyTorch makes too: `torch.sin(a * torch.arange(n, dtype=torch.float64) + b)`.
Tensor waves(const Shape& shape, double a, double b = 0) {
  return sin(arange(shape.numel(), {.dtype = float64}) * a + b).reshape(shape);
}

/// Attention by its definition.
Tensor plain(const Tensor& q, const Tensor& k, const Tensor& v, bool causal, double scale) {
  Tensor scores = matmul(q, k.transpose(-2, -1)) * scale;
  if (causal) {
    const Tensor hidden = triu(ones({q.size(-2), k.size(-2)}, {.dtype = bool_}), 1);
    scores = masked_fill(scores, hidden, -std::numeric_limits<double>::infinity());
  }
  return matmul(softmax(scores, -1), v);
}

struct Results {
  Tensor y, dq, dk, dv;
};

template <class F>
Results results_of(F f, const Tensor& q_, const Tensor& k_, const Tensor& v_, DType dtype,
                   bool create_graph = false) {
  const Tensor q = q_.to(dtype).detach().requires_grad_();
  const Tensor k = k_.to(dtype).detach().requires_grad_();
  const Tensor v = v_.to(dtype).detach().requires_grad_();
  const Tensor y = f(q, k, v);
  const Tensor dy = waves(y.shape(), 0.7).to(dtype);
  const auto d = grad({y}, {q, k, v}, {.grad_outputs = {dy}, .create_graph = create_graph});
  return {y.detach(), d[0], d[1], d[2]};
}

void check_close(const Results& got, const Results& expected, double tolerance) {
  const auto compare = [&](const Tensor& a, const Tensor& b) {
    check_all_close(a, b.shape(), values_of(b), tolerance);
  };
  compare(got.y, expected.y);
  compare(got.dq, expected.dq);
  compare(got.dk, expected.dk);
  compare(got.dv, expected.dv);
}

}  // namespace

// The expected numbers, here and below, with q, k and v = sin(a * arange(n) + b) and a gradient of
// sin(0.7 * arange(12)):
//   F.scaled_dot_product_attention(q, k, v, is_causal=c)  # PyTorch 2.15
TEST_CASE("attention gives PyTorch's numbers") {
  const Tensor q = waves({1, 2, 3, 4}, 0.37), k = waves({1, 2, 5, 4}, 0.41, 1);
  const Tensor v = waves({1, 2, 5, 2}, 0.53, 2);
  for (const DType dtype : {float32, float64}) {
    const Results all = results_of(
        [](const auto&... x) { return scaled_dot_product_attention(x...); }, q, k, v, dtype);
    check_values(all.y, {1, 2, 3, 2},
                 {0.037665, 0.096919, 0.234306, 0.287771, -0.277844, -0.416235, 0.311657, 0.238922,
                  -0.031408, -0.222073, -0.421974, -0.626472},
                 2e-6);
    check_values(
        all.dq, q.shape(),
        {0.104125,  0.102081, 0.083117,  0.050375,  0.170224,  0.169966,  0.141535,  0.089643,
         -0.001893, -0.01368, -0.023199, -0.028872, 0.167608,  0.12626,   0.063984,  -0.008898,
         0.098725,  0.092896, 0.071669,  0.038562,  -0.193959, -0.190889, -0.156178, -0.095579},
        2e-6);
    check_values(all.dv, v.shape(),
                 {0.427707,  0.513658, 0.185546, 0.03344,   0.134847,  -0.062865, 0.152604,
                  0.19887,   0.419733, 0.47354,  -0.194485, -0.101926, -0.504319, -0.428195,
                  -0.052941, 0.253114, 0.190092, 0.511465,  -0.284202, -0.211928},
                 2e-6);
    const Results causal = results_of(
        [](const auto&... x) { return scaled_dot_product_attention(x..., {.is_causal = true}); }, q,
        k, v, dtype);
    check_values(causal.y, {1, 2, 3, 2},
                 {0.909297, 0.574172, 0.758566, 0.390682, -0.212887, -0.542435, 0.850437, 0.999712,
                  0.864339, 0.718712, 0.225055, -0.150276},
                 2e-6);
    check_values(
        causal.dk, k.shape(),
        {0.124792,  0.120879, 0.100606, 0.066716, -0.122857, -0.122885, -0.106281, -0.075293,
         -0.001935, 0.002006, 0.005676, 0.008577, 0,         0,         0,         0,
         0,         0,        0,        0,        0.126575,  0.141498,  0.137271,  0.114464,
         0.037292,  0.040195, 0.037658, 0.030024, -0.163867, -0.181693, -0.174929, -0.144488,
         0,         0,        0,        0,        0,         0,         0,         0},
        2e-6);
  }
}

TEST_CASE("attention with a mask gives PyTorch's numbers") {
  const Tensor q = waves({1, 2, 3, 4}, 0.37), k = waves({1, 2, 5, 4}, 0.41, 1);
  const Tensor v = waves({1, 2, 5, 2}, 0.53, 2);
  const Tensor mask =
      tensor({{1, 0, 1, 0, 0}, {0, 0, 0, 0, 0}, {1, 1, 1, 1, 0}}).to(bool_);  // no key for query 1
  const Tensor summand = waves({3, 5}, 0.9);
  for (const DType dtype : {float32, float64}) {
    check_values(
        scaled_dot_product_attention(q.to(dtype), k.to(dtype), v.to(dtype), {.attn_mask = mask}),
        {1, 2, 3, 2},
        {0.632629, 0.324023, 0, 0, -0.311338, -0.542417, 0.660224, 0.662069, 0, 0, -0.39898,
         -0.634441},
        2e-6);
    check_values(scaled_dot_product_attention(q.to(dtype), k.to(dtype), v.to(dtype),
                                              {.attn_mask = summand.to(dtype), .scale = 0.25}),
                 {1, 2, 3, 2},
                 {-0.214881, -0.287119, -0.215867, 0.10203, 0.087321, 0.001236, 0.375205, 0.151449,
                  -0.491881, -0.532394, -0.036703, -0.067111},
                 2e-6);
  }
}

TEST_CASE("attention by blocks agrees with the plain formula for every size") {
  struct Sizes {
    Size queries, keys, width, value_width;
  };
  for (const Sizes& s : {Sizes{1, 1, 1, 1},
                         {1, 5, 3, 2},
                         {5, 1, 16, 16},
                         {7, 9, 20, 33},
                         {16, 16, 32, 32},
                         {17, 130, 8, 64},
                         {31, 33, 24, 40},
                         {33, 64, 72, 5},
                         {64, 127, 64, 64},
                         {100, 128, 48, 32},
                         {129, 257, 31, 17},
                         {200, 50, 96, 80}}) {
    const Tensor q = random_tensor({2, 3, s.queries, s.width}, -2, 2, 1);
    const Tensor k = random_tensor({2, 3, s.keys, s.width}, -2, 2, 2);
    const Tensor v = random_tensor({2, 3, s.keys, s.value_width}, -2, 2, 3);
    for (const bool causal : {false, true}) {
      CAPTURE(s.queries);
      CAPTURE(s.keys);
      CAPTURE(s.width);
      CAPTURE(causal);
      const double scale = 0.3;
      const auto attend = [=](const auto&... x) {
        return scaled_dot_product_attention(x..., {.is_causal = causal, .scale = scale});
      };
      const Results expected = results_of(
          [=](const auto&... x) { return plain(x..., causal, scale); }, q, k, v, float64);
      check_close(results_of(attend, q, k, v, float32), expected, 2e-5);
      check_close(results_of(attend, q, k, v, float64), expected, 1e-11);
      check_close(results_of(attend, q, k, v, float32, true), expected, 2e-5);
    }
  }
}

TEST_CASE("attention can be differentiated twice") {
  const Tensor q = random_tensor({2, 3, 4}, -1, 1, 1), k = random_tensor({2, 5, 4}, -1, 1, 2);
  const Tensor v = random_tensor({2, 5, 2}, -1, 1, 3);
  const Tensor mask = tensor({{1, 0, 1, 0, 0}, {0, 0, 0, 0, 0}, {1, 1, 1, 1, 0}}).to(bool_);
  check_gradients([](const auto&... x) { return scaled_dot_product_attention(x...); }, q, k, v);
  check_gradients(
      [](const auto&... x) { return scaled_dot_product_attention(x..., {.is_causal = true}); }, q,
      k, v);
  check_gradients(
      [&](const auto&... x) { return scaled_dot_product_attention(x..., {.attn_mask = mask}); }, q,
      k, v);
  check_gradients(
      [](const Tensor& q_, const Tensor& k_, const Tensor& v_, const Tensor& m) {
        return scaled_dot_product_attention(q_, k_, v_, {.attn_mask = m});
      },
      q, k, v, random_tensor({3, 5}));
}

TEST_CASE("second derivatives of float32 attention are those of float64") {
  const Tensor q = random_tensor({3, 4}, -1, 1, 1), k = random_tensor({5, 4}, -1, 1, 2);
  const Tensor v = random_tensor({5, 2}, -1, 1, 3);
  const auto second = [&](DType dtype) {
    const Tensor x = q.to(dtype).detach().requires_grad_();
    const Tensor y = scaled_dot_product_attention(x, k.to(dtype), v.to(dtype));
    const Tensor dx = grad(y.square().sum(), x, {.create_graph = true});
    return grad(dx.square().sum(), x);
  };
  check_all_close(second(float32), q.shape(), values_of(second(float64)), 1e-5);
}

TEST_CASE("attention takes matrices and broadcasts the dimensions before them") {
  const Tensor q = random_tensor({2, 1, 6, 4}, -2, 2, 1), k = random_tensor({3, 7, 4}, -2, 2, 2);
  const Tensor v = random_tensor({7, 5}, -2, 2, 3);
  const Results expected =
      results_of([](const auto&... x) { return plain(x..., false, 0.5); }, q, k, v, float64);
  CHECK(expected.y.shape() == Shape{2, 3, 6, 5});
  const auto attend = [](const auto&... x) { return scaled_dot_product_attention(x...); };
  check_close(results_of(attend, q, k, v, float32), expected, 1e-5);
  check_close(results_of(attend, q[0][0], k[1], v, float32),
              results_of([](const auto&... x) { return plain(x..., false, 0.5); }, q[0][0], k[1], v,
                         float64),
              1e-5);
}

TEST_CASE("attention reads heads side by side and leaves them so") {
  const Tensor packed = random_tensor({2, 9, 3 * 4 * 8}).to(float32).requires_grad_();
  const auto head = [](const Tensor& x) { return x.view({2, 9, 4, 8}).transpose(1, 2); };
  const auto parts = packed.split(32, 2);
  const Tensor q = head(parts[0]), k = head(parts[1]), v = head(parts[2]);
  const Tensor y = scaled_dot_product_attention(q, k, v, {.is_causal = true});
  CHECK(y.shape() == Shape{2, 4, 9, 8});
  CHECK(y.transpose(1, 2).is_contiguous());
  const Tensor expected = scaled_dot_product_attention(q.contiguous(), k.contiguous(),
                                                       v.contiguous(), {.is_causal = true});
  CHECK(expected.is_contiguous());
  check_values(y, y.shape(), values_of(expected), 0);
  const Tensor dy = random_tensor(y.shape()).to(float32);
  const GradOptions keep{.grad_outputs = {dy}, .retain_graph = true};
  check_values(grad(y, packed, keep), packed.shape(), values_of(grad(expected, packed, keep)), 0);
  // Rows whose elements are no neighbours.
  const Tensor turned = q.transpose(-2, -1).contiguous().transpose(-2, -1);
  check_values(scaled_dot_product_attention(turned, k, v, {.is_causal = true}), y.shape(),
               values_of(expected), 0);
}

TEST_CASE("packed attention is attention of its parts") {
  for (const bool batch_first : {true, false}) {
    for (const DType dtype : {float32, float64}) {
      const Tensor packed = random_tensor({3, 5, 24}).to(dtype).requires_grad_();
      const auto joined = [&](const Tensor& x, bool causal) {
        const Dims order = batch_first ? Dims{0, 2, 1, 3} : Dims{1, 2, 0, 3};
        const auto parts = x.split(8, 2);
        const auto head = [&](const Tensor& part) {
          return part.reshape({3, 5, 2, 4}).permute(order);
        };
        const Tensor y = plain(head(parts[0]), head(parts[1]), head(parts[2]), causal, 0.5);
        return y.permute(batch_first ? Dims{0, 2, 1, 3} : Dims{2, 0, 1, 3}).reshape({3, 5, 8});
      };
      for (const bool causal : {false, true}) {
        const Tensor y = detail::packed_attention(packed, 2, batch_first, causal);
        const Tensor expected = joined(packed, causal);
        const double tolerance = dtype == float32 ? 1e-5 : 1e-12;
        check_values(y, {3, 5, 8}, values_of(expected), tolerance);
        const Tensor dy = random_tensor(y.shape()).to(dtype);
        const GradOptions once{.grad_outputs = {dy}, .retain_graph = true};
        const std::vector<double> slope = values_of(grad(expected, packed, once));
        check_values(grad(y, packed, once), packed.shape(), slope, tolerance);
        check_values(grad(y, packed, {.grad_outputs = {dy}, .create_graph = true}), packed.shape(),
                     slope, tolerance);
      }
    }
    check_gradients(
        [=](const Tensor& x) { return detail::packed_attention(x, 2, batch_first, true); },
        random_tensor({2, 3, 12}));
  }
}

TEST_CASE("attention of extreme scores") {
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor v = tensor({{1.0, 2.0}, {3.0, 4.0}});
  // Scores of 1e4 and -1e4, and differences too small to matter.
  const Tensor k = tensor({{100.0}, {-100.0}});
  check_values(scaled_dot_product_attention(tensor({{100.0}, {-100.0}}), k, v, {.scale = 1.}),
               {2, 2}, {1, 2, 3, 4});
  check_values(scaled_dot_product_attention(tensor({{0.0}}), k, v), {1, 2}, {2, 3});
  const Tensor lost = scaled_dot_product_attention(tensor({{inf}, {1.0}}), k, v);
  CHECK(isnan(lost[0]).all().item<bool>());
  CHECK(isfinite(lost[1]).all().item<bool>());
  // A key far behind the first block outweighs all before it.
  Tensor late = zeros({300, 1});
  late.data_ptr<float>()[299] = 200;
  const Tensor numbers = arange(300).to(float32).view({300, 1});
  check_values(scaled_dot_product_attention(tensor({{1.0}}), late, numbers), {1, 1}, {299});
}

TEST_CASE("queries that see no key give zeros and no gradient") {
  const Tensor hidden = tensor({{false, false}, {true, false}});
  for (const DType dtype : {float32, float64}) {
    const Tensor x = random_tensor({2, 3}).to(dtype).requires_grad_();
    const Tensor y = scaled_dot_product_attention(x, x, x, {.attn_mask = hidden});
    CHECK((y[0] == 0).all().item<bool>());
    CHECK(isfinite(grad(y.sum(), x)).all().item<bool>());
    const Tensor summand =
        zeros({2, 2}, {.dtype = dtype}).masked_fill(logical_not(hidden), -INFINITY);
    check_values(scaled_dot_product_attention(x, x, x, {.attn_mask = summand}), {2, 3},
                 values_of(y));
  }
}

TEST_CASE("attention of nothing") {
  CHECK(scaled_dot_product_attention(zeros({0, 4}), zeros({3, 4}), zeros({3, 2})).shape() ==
        Shape{0, 2});
  check_values(scaled_dot_product_attention(ones({2, 4}), zeros({0, 4}), zeros({0, 2})), {2, 2},
               {0, 0, 0, 0});
  CHECK(scaled_dot_product_attention(zeros({0, 2, 3, 4}), zeros({0, 2, 3, 4}), zeros({0, 2, 3, 4}))
            .shape() == Shape{0, 2, 3, 4});
}

TEST_CASE("attention drops weights, not values") {
  manual_seed(1);
  const Tensor q = zeros({1000, 4}), v = eye(4);
  const Tensor y = scaled_dot_product_attention(q, q.slice(0, 0, 4), v, {.dropout_p = 0.5});
  // Each weight is 1/4, dropped or doubled.
  CHECK((y * (y - 0.5) == 0).all().item<bool>());
  CHECK(y.mean().item() == doctest::Approx(0.25).epsilon(0.05));
  CHECK((scaled_dot_product_attention(q, q, q + 1, {.dropout_p = 1}) == 0).all().item<bool>());
}

TEST_CASE("attention gives the same bits on one thread and on two") {
  const int before = get_num_threads();
  const Tensor q = random_tensor({4, 200, 24}, -2, 2, 1), k = random_tensor({4, 300, 24}, -2, 2, 2);
  const Tensor v = random_tensor({4, 300, 40}, -2, 2, 3);
  for (const bool causal : {false, true}) {
    const auto attend = [=](const auto&... x) {
      return scaled_dot_product_attention(x..., {.is_causal = causal});
    };
    set_num_threads(1);
    const Results one = results_of(attend, q, k, v, float32);
    set_num_threads(2);
    check_close(results_of(attend, q, k, v, float32), one, 0);
    set_num_threads(3);
    check_close(results_of(attend, q, k, v, float32), one, 0);
  }
  set_num_threads(before);
}

TEST_CASE("attention says what it expected") {
  const Tensor q = zeros({2, 3, 4}), k = zeros({2, 5, 4}), v = zeros({2, 5, 6});
  const auto says = [](auto f, const char* text) { CHECK_THROWS_WITH_AS(f(), text, Error); };
  says([&] { scaled_dot_product_attention(zeros(4), k, v); },
       "[scaled_dot_product_attention] expected query [.., L, E], key [.., S, E] and value [.., S, "
       "Ev], got shapes [4], [2, 5, 4] and [2, 5, 6]");
  says([&] { scaled_dot_product_attention(q, k.to(float64), v); },
       "[scaled_dot_product_attention] expected query, key and value of one floating dtype, got "
       "float32, float64 and float32\nhelp: convert them with x.to(float32)");
  says([&] { scaled_dot_product_attention(q, v, v); },
       "[scaled_dot_product_attention] expected query and key with rows of one size, got shapes "
       "[2, 3, 4] and [2, 5, 6]");
  says([&] { scaled_dot_product_attention(q, q, v); },
       "[scaled_dot_product_attention] expected as many keys as values, got shapes [2, 3, 4] and "
       "[2, 5, 6]");
  says(
      [&] {
        scaled_dot_product_attention(q, k, v, {.attn_mask = ones({4, 5})});
      },
      "[scaled_dot_product_attention] expected a mask that broadcasts to [2, 3, 5], got shape "
      "[4, 5]");
  says([&] { scaled_dot_product_attention(q, k, v, {.attn_mask = tensor({{1}})}); },
       "[scaled_dot_product_attention] expected a mask of dtype bool or float32, got int64\n"
       "help: attn_mask.ne(0) makes bools");
  says(
      [&] {
        scaled_dot_product_attention(q, k, v, {.attn_mask = zeros({3, 5}).to(float64)});
      },
      "[scaled_dot_product_attention] expected a mask of dtype bool or float32, got float64\n"
      "help: attn_mask.to(float32)");
  says(
      [&] {
        scaled_dot_product_attention(q, k, v, {.attn_mask = ones({3, 5}), .is_causal = true});
      },
      "[scaled_dot_product_attention] expected either .attn_mask or .is_causal, got both");
  says([&] { scaled_dot_product_attention(q, k, v, {.dropout_p = 1.5}); },
       "[scaled_dot_product_attention] expected dropout_p in [0, 1], got 1.5");
  says([&] { scaled_dot_product_attention(q, k, v, {.scale = std::nan("")}); },
       "[scaled_dot_product_attention] expected a finite scale, got nan");
  CHECK_THROWS_AS(scaled_dot_product_attention(zeros({3, 3, 4}), k, v), Error);
}
