#include <torch/torch.h>

#include "oracle/interpret.h"

namespace oracle {
namespace {

struct Torch {
  using Tensor = torch::Tensor;

  using NoGradGuard = torch::NoGradGuard;

  static const Longs& sizes(const Longs& sizes) { return sizes; }
  static Tensor index(const Longs& values) { return torch::tensor(values); }
  static Tensor cat(const Tensor& a, const Tensor& b) { return torch::cat({a, b}, 0); }
  static void sin_(const Tensor& x) { x.sin_(); }
  static void put_rows(const Tensor& x, const Tensor& index, const Tensor& values, bool add) {
    Tensor(x).index_put_({index}, values, add);
  }
  /// Unless it is asked, libtorch 1.13 judges a view by what it was before its base changed.
  static void refresh(const Tensor& x) { (void)x.grad_fn(); }
  static bool is_defined(const Tensor& x) { return x.defined(); }
  static Tensor number(double value) { return torch::tensor(value, torch::kFloat64); }

  static Tensor leaf(const Program& program, int i, const Longs& sizes, bool requires_grad) {
    Tensor x = torch::empty(sizes, torch::kFloat64);
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
    const bool is_leaf = !x.grad_fn();  // brings a view up to date
    return {true, x.requires_grad(), is_leaf, x.sizes().vec(), values(x)};
  }
  static Tensor add_weighted(const Tensor& sum, const Tensor& x, double k, bool squared) {
    return sum + ((squared ? x * x : x) * k).sum();
  }
  static void backward(const Tensor& y) {
    y.backward({}, /*retain_graph=*/true, /*create_graph=*/true);
  }
  static Tensor take_grad(const Tensor& x) {
    const Tensor g = x.grad();
    x.mutable_grad().reset();
    return g;
  }
};

}  // namespace

Outcome run_torch(const Program& program) { return Interpreter<Torch>(program).run(); }

}  // namespace oracle
