#include "reel/func/detail/vmap.h"

#include <string_view>

#include "reel/base/fail.h"
#include "reel/ops/shape/join.h"
#include "reel/ops/shape/view.h"

namespace reel::func::detail {
namespace {

using reel::detail::Randomness;
using reel::detail::wrap_dim;

constexpr const char* op = "vmap";

Randomness randomness_of(std::string_view name) {
  if (name == "same") return Randomness::same;
  if (name == "different") return Randomness::different;
  check(name == "error", op, "expected randomness \"error\", \"same\" or \"different\", got \"{}\"",
        name);
  return Randomness::error;
}

/// A dimension moved, the others in their order.
Tensor moved(const Tensor& x, Size from, Size to) {
  if (from == to) return x;
  Dims order;
  for (Size d = 0; d < x.dim(); ++d)
    if (d != from) order.push_back(d);
  order.insert(to, from);
  return permute(x, order);
}

}  // namespace

VmapPlan plan_vmap(const VmapOptions& options, const std::vector<std::vector<Tensor>>& arguments) {
  const VmapDims& dims = options.in_dims;
  check(!dims.is_list() || dims.size() == arguments.size(), op,
        "expected in_dims for {} arguments, got {}", arguments.size(), dims.size());
  VmapPlan plan{
      .in_dims = {}, .randomness = randomness_of(options.randomness), .samples = 0, .chunk = 0};
  const Tensor* first = nullptr;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::vector<Tensor>& tensors = arguments[i];
    plan.in_dims.push_back(tensors.empty() ? std::nullopt : dims[i]);
    if (!plan.in_dims[i]) continue;
    for (const Tensor& x : tensors) {
      if (!x.defined()) continue;
      const Size dim = *plan.in_dims[i];
      check(dim >= -x.dim() && dim < x.dim(), op,
            "expected samples along dimension {} of argument {}, got a tensor of shape {}\n"
            "help: .in_dims = {{std::nullopt, 0}} shares argument 0 among all samples",
            dim, i, x.shape());
      if (first == nullptr) {
        first = &x;
        plan.samples = x.size(dim);
      }
      check(
          x.size(dim) == plan.samples, op,
          "expected as many samples in all arguments, got {} in a tensor of shape {} and {} in one "
          "of shape {}, of argument {}",
          plan.samples, first->shape(), x.size(dim), x.shape(), i);
    }
  }
  check(first != nullptr, op, "expected an argument with samples, got none");
  check(plan.samples > 0, op, "expected at least one sample, got a tensor of shape {}",
        first->shape());
  plan.chunk = options.chunk_size.value_or(plan.samples);
  check(plan.chunk > 0, op, "expected a chunk_size of 1 or more, got {}", plan.chunk);
  return plan;
}

Tensor lifted(const Tensor& x, Size dim, Size begin, Size size) {
  const Tensor all = moved(x, wrap_dim(op, dim, x.dim()), 0);
  return reel::detail::make_batched(size < all.size(0) ? narrow(all, 0, begin, size) : all,
                                    reel::detail::innermost_vmap->level);
}

Tensor landed(const Tensor& y, bool is_shared) {
  const reel::detail::VmapFrame& vmap = *reel::detail::innermost_vmap;
  const bool is_of_each =
      reel::detail::is_batched(y) && reel::detail::batched(y).level == vmap.level;
  check(!is_shared || !is_of_each, op,
        "expected a result that is the same for all samples, as out_dims says, got one of shape {} "
        "for each",
        y.shape());
  if (is_of_each) return reel::detail::batched(y).all;
  if (is_shared) return y;
  Shape shape = y.shape();
  shape.insert(0, vmap.samples);
  return expand(y, shape);
}

Tensor with_samples_at(const Tensor& y, Size dim) {
  return moved(y, 0, wrap_dim(op, dim, y.dim()));
}

Tensor joined_chunks(const std::vector<std::vector<Tensor>>& chunks, std::size_t i) {
  if (chunks.size() == 1) return chunks[0][i];
  std::vector<Tensor> parts;
  for (const std::vector<Tensor>& chunk : chunks) {
    check(i < chunk.size(), op,
          "expected results in one form for all chunks, got {} tensors and {}", i + 1,
          chunk.size());
    parts.push_back(chunk[i]);
  }
  return cat(parts, 0);
}

void check_out_dims(std::size_t given, std::size_t results) {
  check(given == results, op, "expected out_dims for {} results, got {}", results, given);
}

}  // namespace reel::func::detail
