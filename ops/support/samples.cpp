#include "reel/ops/support/samples.h"

#include <algorithm>

#include "reel/base/detail/broadcast.h"
#include "reel/base/detail/promotion.h"
#include "reel/base/fail.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/promote.h"

namespace reel::detail {

void Samples::check_running(const char* op) const {
  const VmapFrame* vmap = innermost_vmap;
  while (vmap != nullptr && vmap->level > level_) vmap = vmap->outer;
  check(vmap != nullptr && vmap->level == level_, op,
        "expected a tensor of a vmap that runs, got one that has left it\n"
        "help: let the function return it");
}

Tensor Samples::each(const Tensor& x) const {
  if (has(x)) return batched(x).all;
  Shape shape = x.shape();
  shape.insert(0, count_);
  return expand(x, shape);
}

Tensor Samples::broadcast(const Tensor& x, Size rank) const {
  if (!has(x)) return x;
  const Tensor& all = batched(x).all;
  if (x.dim() == rank) return all;
  Shape shape = all.shape();
  for (Size added = rank - x.dim(); added > 0; --added) shape.insert(1, 1);
  return reshape(all, shape);
}

std::vector<Tensor> Samples::one(std::vector<Tensor> all) const {
  for (Tensor& x : all) {
    if (x.defined()) x = one(x);
  }
  return all;
}

namespace {

/// A sample without dimensions counts in promotion as a number does, which all of them together
/// would not: it is converted to what it comes to.
Tensor as_number_counts(const Tensor& x, const Tensor& all, DType of_others) {
  const bool counts = kind(x.dtype()) > kind(of_others);
  return counts || x.dtype() == bool_ ? all : to(all, of_others);
}

}  // namespace

Tensor of_each_element(const char* op, FunctionRef<Tensor(const Tensor*)> f,
                       std::initializer_list<const Tensor*> inputs) {
  std::vector<Tensor> given;
  for (const Tensor* x : inputs) given.push_back(*x);
  const Samples samples(op, given);
  Size rank = 0;
  Shape shape;
  DType dtype = bool_;  // of those with dimensions
  for (const Tensor& x : given) {
    if (!x.defined()) continue;
    rank = std::max(rank, x.dim());
    shape = broadcast_shapes(op, shape, x.shape());
    if (x.dim() > 0) dtype = promote_types(dtype, x.dtype());
  }
  std::vector<Tensor> all;
  for (const Tensor& x : given) {
    all.push_back(samples.broadcast(x, rank));
    if (rank > 0 && x.defined() && x.dim() == 0 && samples.has(x)) {
      all.back() = as_number_counts(x, all.back(), dtype);
    }
    // Beside samples without dimensions it counts in full, unless it is a number.
    if (rank == 0 && x.defined() && !samples.has(x) && !x.impl().is_number) {
      all.back() = unsqueeze(x, 0);
    }
  }
  return samples.one(f(all.data()));
}

Tensor along_dims(const char* op, FunctionRef<Tensor(const Tensor&, const Dims&)> f,
                  const Tensor& x, const Dims& dims) {
  const Samples samples(op, x);
  Dims behind;
  for (const Size dim : dims) behind.push_back(Samples::behind(op, x, dim));
  if (x.dim() == 0) {
    return samples.one(reshape(f(unsqueeze(samples.all(x), 1), {1}), {samples.count()}));
  }
  if (dims.empty()) {
    for (Size dim = 1; dim <= x.dim(); ++dim) behind.push_back(dim);
  }
  return samples.one(f(samples.all(x), behind));
}

std::vector<Tensor> results_along_dim(const char* op,
                                      FunctionRef<std::vector<Tensor>(const Tensor&, Size)> f,
                                      const Tensor& x, Size dim) {
  const Samples samples(op, x);
  const Size behind = Samples::behind(op, x, dim);
  if (x.dim() > 0) return samples.one(f(samples.all(x), behind));
  std::vector<Tensor> results = f(unsqueeze(samples.all(x), 1), behind);
  for (Tensor& y : results) y = samples.one(reshape(y, {samples.count()}));
  return results;
}

std::vector<Tensor> results_of_images(const char* op, Size axes,
                                      FunctionRef<std::vector<Tensor>(const Tensor&)> f,
                                      const Tensor& x) {
  const Samples samples(op, x);
  if (x.dim() == axes + 1) return samples.one(f(samples.all(x)));
  std::vector<Tensor> results = f(flatten(samples.all(x), 0, 1));
  for (Tensor& y : results) {
    Shape shape = y.shape();
    shape[0] = x.size(0);
    shape.insert(0, samples.count());
    y = samples.one(reshape(y, shape));
  }
  return results;
}

}  // namespace reel::detail
