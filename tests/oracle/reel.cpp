#include <optional>

#include "oracle/interpret.h"
#include "reel/autograd/hooks.h"
#include "reel/autograd/tape.h"
#include "reel/ops/ops.h"

namespace oracle {
namespace {

struct Reel {
  using Tensor = reel::Tensor;

  using NoGradGuard = reel::NoGradGuard;

  static reel::Shape sizes(const Longs& sizes) {
    return {sizes.data(), sizes.data() + sizes.size()};
  }
  static Tensor index(const Longs& values) { return reel::tensor(values); }
  static Tensor cat(const Tensor& a, const Tensor& b) { return reel::cat({a, b}, 0); }
  static void sin_(const Tensor& x) { reel::sin_(x); }
  static void put_rows(const Tensor& x, const Tensor& index, const Tensor& values, bool add) {
    reel::index_put_(x, {index}, values, add);
  }
  static void refresh(const Tensor&) {}
  static bool is_defined(const Tensor& x) { return x.defined(); }
  static Tensor number(double value) { return reel::full({}, value, {.dtype = reel::float64}); }

  static Tensor leaf(const Program& program, int i, const Longs& sizes, bool requires_grad) {
    const Tensor x = reel::empty(Reel::sizes(sizes), {.dtype = reel::float64});
    const std::vector<double> values = values_of_leaf(program, i, x.numel());
    std::copy(values.begin(), values.end(), x.data_ptr<double>());
    return x.requires_grad_(requires_grad);
  }

  static std::vector<double> values(const Tensor& x) {
    if (!x.defined()) return {};
    const Tensor dense = x.detach().contiguous();
    return {dense.data_ptr<double>(), dense.data_ptr<double>() + dense.numel()};
  }
  static Final look_at(const Tensor& x) {
    return {true, x.requires_grad(), x.is_leaf(), Longs(x.shape().begin(), x.shape().end()),
            values(x)};
  }
  static Tensor add_weighted(const Tensor& sum, const Tensor& x, double k, bool squared) {
    return sum + ((squared ? x * x : x) * k).sum();
  }
  static void backward(const Tensor& y) { y.backward({.create_graph = true}); }
  /// The gradient that was left at a leaf, which forgets it.
  static Tensor take_grad(const Tensor& x) {
    const Tensor g = x.grad();
    x.set_grad({});
    return g;
  }
};

}  // namespace

Outcome run_reel(const Program& program) { return Interpreter<Reel>(program).run(); }

}  // namespace oracle
