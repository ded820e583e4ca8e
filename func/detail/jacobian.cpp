#include "reel/func/detail/jacobian.h"

#include <optional>

#include "reel/autograd/detail/batched.h"
#include "reel/kernels/parallel.h"
#include "reel/ops/create/create.h"
#include "reel/ops/shape/join.h"
#include "reel/ops/shape/view.h"

namespace reel::func::detail {
namespace {

/// What a walk over a linearization costs at most, in walks back.
constexpr Size column_price = 2;

Shape joined(const Shape& a, const Shape& b) {
  Shape both = a;
  for (const Size size : b) both.push_back(size);
  return both;
}

Size total(const std::vector<Tensor>& tensors) {
  Size sum = 0;
  for (const Tensor& x : tensors) sum += x.numel();
  return sum;
}

/// One at element `i` of a tensor like `x`, zeros elsewhere.
Tensor one_hot(const Tensor& x, Size i) {
  const Tensor flat = zeros({x.numel()}, {.dtype = x.dtype()});
  flat.narrow(0, i, 1).fill_(1);
  return flat.reshape(x.shape());
}

/// The derivatives along all elements of `from[which]`, one walk each: those of `to` are
/// `[elements of from[which], elements of to[k]]`. `walk` takes a list like `from`, with a tensor at
/// `which` only.
template <class Walk>
std::vector<Tensor> walk_each(const std::vector<Tensor>& from, std::size_t which,
                              const std::vector<Tensor>& to, bool recorded, Walk&& walk) {
  const Tensor& x = from[which];
  const auto walk_one = [&](Size i) {
    std::vector<Tensor> seeds(from.size());
    {
      const NoGradGuard no_grad;
      seeds[which] = one_hot(x, i);
    }
    return walk(seeds);
  };
  std::vector<Tensor> found;
  // The threads would not know of the vmaps around.
  if (recorded || reel::detail::innermost_vmap != nullptr) {
    std::vector<std::vector<Tensor>> by_target(to.size());
    for (Size i = 0; i < x.numel(); ++i) {
      std::vector<Tensor> one = walk_one(i);
      for (std::size_t k = 0; k < to.size(); ++k)
        by_target[k].push_back(one[k].reshape({to[k].numel()}));
    }
    for (std::size_t k = 0; k < to.size(); ++k) {
      found.push_back(by_target[k].empty() ? zeros({0, to[k].numel()}, {.dtype = to[k].dtype()})
                                           : stack(by_target[k]));
    }
    return found;
  }
  for (const Tensor& y : to) found.push_back(empty({x.numel(), y.numel()}, {.dtype = y.dtype()}));
  // One graph, many walks: nothing is written but the row of each.
  const bool detect_anomaly = reel::detail::tape.detect_anomaly;  // this thread's, for the others
  kernels::parallel_for(x.numel(), 1, [&](Size begin, Size end) {
    const NoGradGuard no_grad;
    std::optional<DetectAnomalyGuard> detect;
    if (detect_anomaly) detect.emplace();
    for (Size i = begin; i < end; ++i) {
      const std::vector<Tensor> one = walk_one(i);
      for (std::size_t k = 0; k < to.size(); ++k)
        found[k].select(0, i).view(to[k].shape()).copy_(one[k]);
    }
  });
  return found;
}

}  // namespace

Blocks jacobian_by_rows(const Trace& trace) {
  const std::vector<Tensor>& x = trace.inputs();
  const std::vector<Tensor>& y = trace.outputs();
  Blocks blocks;
  for (std::size_t o = 0; o < y.size(); ++o) {
    blocks.push_back(walk_each(y, o, x, trace.is_followed(), [&](const std::vector<Tensor>& dy) {
      return trace.pull(dy, Walk::again);
    }));
    for (std::size_t k = 0; k < x.size(); ++k)
      blocks[o][k] = blocks[o][k].reshape(joined(y[o].shape(), x[k].shape()));
  }
  return blocks;
}

Blocks jacobian_by_columns(const Trace& trace) {
  const std::vector<Tensor>& x = trace.inputs();
  const std::vector<Tensor>& y = trace.outputs();
  const Linearization map(trace);
  Blocks blocks(y.size(), std::vector<Tensor>(x.size()));
  for (std::size_t k = 0; k < x.size(); ++k) {
    const std::vector<Tensor> columns = walk_each(
        x, k, y, trace.is_followed(), [&](const std::vector<Tensor>& dx) { return map.push(dx); });
    for (std::size_t o = 0; o < y.size(); ++o)
      blocks[o][k] = columns[o].t().contiguous().reshape(joined(y[o].shape(), x[k].shape()));
  }
  return blocks;
}

Blocks jacobian(const Trace& trace) {
  return total(trace.inputs()) * column_price < total(trace.outputs()) ? jacobian_by_columns(trace)
                                                                       : jacobian_by_rows(trace);
}

}  // namespace reel::func::detail
