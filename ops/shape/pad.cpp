#include "reel/ops/shape/pad.h"

#include <algorithm>
#include <memory>
#include <numeric>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/copy.h"
#include "reel/kernels/pad.h"
#include "reel/ops/create/create.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

constexpr const char* mode_names[] = {"constant", "reflect", "replicate", "circular"};

/// How a shape is padded; the dimensions of `dims` are those of the shape in their order in memory.
struct Plan {
  Shape shape, padded;
  Dims order;
  std::vector<kernels::PadDim> dims;
};
using PlanPtr = std::shared_ptr<const Plan>;

/// Strides of elements that lie one behind the other when dimensions come in this order.
Strides packed_strides(const Shape& shape, const Dims& order) {
  Strides strides = Shape::repeat(shape.size(), 1);
  Size step = 1;
  for (Size i = shape.size() - 1; i >= 0; --i) {
    strides[order[i]] = step;
    step *= std::max<Size>(shape[order[i]], 1);
  }
  return strides;
}

/// The dimensions of the plan over an original with these strides.
std::vector<kernels::PadDim> dims_over(const Plan& plan, const Strides& strides) {
  std::vector<kernels::PadDim> dims = plan.dims;
  for (std::size_t i = 0; i < dims.size(); ++i)
    dims[i].from_stride = strides[plan.order[static_cast<Size>(i)]];
  if (dims.empty()) dims.push_back({.source = {0}, .begin = 0, .end = 1, .from_stride = 1});
  return dims;
}

Tensor pad_backward(const Tensor& dy, const PlanPtr& plan);

Tensor padded(const Tensor& x, const PlanPtr& plan, double value) {
  const detail::OpScope scope("pad", x);
  Tensor y =
      detail::empty_strided(plan->padded, packed_strides(plan->padded, plan->order), x.dtype());
  if (y.numel() > 0) {
    alignas(8) std::byte converted[8];
    kernels::convert(converted, x.dtype(), &value, float64);
    kernels::pad(dims_over(*plan, x.strides()), detail::readable(x), converted,
                 detail::writable(y));
  }
  return record("pad", std::move(y),
                wrt(x, [plan](const Tensor& dy) { return pad_backward(dy, plan); }));
}

Tensor pad_backward(const Tensor& dy, const PlanPtr& plan) {
  const detail::OpScope scope("pad_backward", dy);
  const Strides strides = packed_strides(plan->shape, plan->order);
  Tensor dx = detail::empty_strided(plan->shape, strides, dy.dtype());
  if (dx.numel() > 0) {
    const NoGradGuard no_grad;
    dx.zero_();
    const Tensor packed = contiguous(permute(dy, plan->order));
    if (dy.numel() > 0)
      kernels::pad_add(dims_over(*plan, strides), detail::readable(packed), detail::writable(dx));
  }
  return record("pad_backward", std::move(dx),
                wrt(dy, [plan](const Tensor& g) { return padded(g, plan, 0); }));
}

/// `n` elements between `before` and `after` more, or fewer.
kernels::PadDim pad_dim(Size n, Size before, Size after, PadMode::Kind mode) {
  kernels::PadDim dim;
  const Size first = std::max<Size>(-before, 0), kept = n - first - std::max<Size>(-after, 0);
  for (Size i = -before; i < n + after; ++i) {
    const bool inside = i >= first && i < first + kept;
    Size source = i;
    if (inside) {
      // itself
    } else if (mode == PadMode::constant) {
      source = -1;
    } else if (mode == PadMode::reflect) {
      source = i < 0 ? -i : 2 * (n - 1) - i;
    } else if (mode == PadMode::replicate) {
      source = std::clamp<Size>(i, 0, n - 1);
    } else {
      source = first + ((i - first) % kept + kept) % kept;
    }
    dim.source.push_back(source);
  }
  dim.begin = std::max<Size>(before, 0);
  dim.end = dim.begin + kept;
  return dim;
}

}  // namespace

PadMode::PadMode(std::string_view name) {
  if (name == "zeros") name = "constant";
  const auto* found = std::find(std::begin(mode_names), std::end(mode_names), name);
  check(found != std::end(mode_names), "PadMode",
        "expected \"constant\", \"zeros\", \"reflect\", \"replicate\" or \"circular\", got \"{}\"",
        name);
  kind_ = static_cast<Kind>(found - std::begin(mode_names));
}

PadMode::operator std::string_view() const { return mode_names[kind_]; }

Tensor pad(const Tensor& x, const std::vector<Size>& pads, const PadOptions& options) {
  constexpr OpName op = "pad";
  detail::check_defined(op, "input", x);
  const auto count = static_cast<Size>(pads.size()), rank = x.dim();
  if (detail::is_batched(x) && count <= 2 * rank) [[unlikely]] {
    const detail::Samples samples(op, x);
    return samples.one(pad(samples.all(x), pads, options));
  }
  check(count % 2 == 0 && count <= 2 * rank, op,
        "expected two pads for each of the last dimensions of input {}, got {}", x.shape(), count);
  auto plan = std::make_shared<Plan>();
  plan->shape = plan->padded = x.shape();
  std::vector<kernels::PadDim> dims(static_cast<std::size_t>(rank));
  const PadMode::Kind mode = options.mode.kind();
  for (Size d = 0; d < rank; ++d) {
    const Size n = x.shape()[d], at = 2 * (rank - 1 - d);
    const Size before = at < count ? pads[static_cast<std::size_t>(at)] : 0;
    const Size after = at < count ? pads[static_cast<std::size_t>(at + 1)] : 0;
    constexpr Size most = Size{1} << 40;
    check(before < most && after < most && before > -most && after > -most, op,
          "expected pads between -2^40 and 2^40, got {} and {}", before, after);
    const Size kept = n - std::max<Size>(-before, 0) - std::max<Size>(-after, 0);
    check(kept >= 0, op, "expected pads that leave something of input {}, got {} and {}", x.shape(),
          before, after);
    const Size most_pad = std::max(before, after);
    if (mode == PadMode::reflect) {
      check(most_pad < n || most_pad <= 0, op,
            "expected reflections narrower than dimension {} of input {}, got {} and {}", d,
            x.shape(), before, after);
    } else if (mode == PadMode::circular) {
      check(most_pad <= kept, op,
            "expected circles no wider than dimension {} of input {}, got {} and {}", d, x.shape(),
            before, after);
    } else if (mode == PadMode::replicate) {
      check(n > 0 || most_pad <= 0, op,
            "expected elements to replicate in dimension {} of input {}, got none", d, x.shape());
    }
    plan->padded[d] = n + before + after;
    detail::checked_numel(op, plan->padded);
    dims[static_cast<std::size_t>(d)] = pad_dim(n, before, after, mode);
  }
  plan->order = Shape::repeat(rank, 0);
  std::iota(plan->order.begin(), plan->order.end(), Size{0});
  std::stable_sort(plan->order.begin(), plan->order.end(),
                   [&](Size a, Size b) { return x.strides()[a] > x.strides()[b]; });
  for (const Size d : plan->order)
    plan->dims.push_back(std::move(dims[static_cast<std::size_t>(d)]));
  return padded(x, plan, options.value);
}

}  // namespace reel
