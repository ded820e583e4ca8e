#include "reel/kernels/reduce_plan.h"

#include <cstdlib>
#include <utility>

namespace reel::kernels {
namespace {

template <class T>
void gather(const std::byte* source, Size rows, Size row_stride, Size columns, Size column_stride,
            std::byte* buffer) {
  const T* x = reinterpret_cast<const T*>(source);
  T* out = reinterpret_cast<T*>(buffer);
  for (Size row = 0; row < rows; ++row) {
    for (Size j = 0; j < columns; ++j) *out++ = x[row * row_stride + j * column_stride];
  }
}

/// The widest first, equal ones in their order; by insertion, for there are at most eight.
template <class Dim>
void sort_by_stride(Dim* dims, int count) {
  for (int i = 1; i < count; ++i) {
    for (int k = i; k > 0 && std::abs(dims[k].stride) > std::abs(dims[k - 1].stride); --k) {
      std::swap(dims[k], dims[k - 1]);
    }
  }
}

}  // namespace

ReducePlan plan_reduction(const Shape& shape, const Strides& strides, std::uint32_t reduced) {
  ReducePlan plan;
  const Strides out_strides = [&] {
    Shape kept;
    for (Size i = 0; i < shape.size(); ++i) kept.push_back((reduced >> i & 1u) != 0 ? 1 : shape[i]);
    return reel::detail::contiguous_strides(kept);
  }();
  for (Size i = 0; i < shape.size(); ++i) {
    const bool is_reduced = (reduced >> i & 1u) != 0;
    (is_reduced ? plan.length : plan.outputs) *= shape[i];
    if (shape[i] == 1) continue;
    if (is_reduced) {
      plan.reduced[plan.reduced_count++] = {shape[i], strides[i]};
    } else {
      plan.kept[plan.kept_count++] = {shape[i], strides[i], out_strides[i]};
    }
  }
  sort_by_stride(plan.kept, plan.kept_count);
  sort_by_stride(plan.reduced, plan.reduced_count);

  int merged = 0;
  for (int i = 1; i < plan.kept_count; ++i) {
    KeptDim& outer = plan.kept[merged];
    const KeptDim& inner = plan.kept[i];
    if (outer.stride == inner.stride * inner.size &&
        outer.out_stride == inner.out_stride * inner.size) {
      outer = {outer.size * inner.size, inner.stride, inner.out_stride};
    } else {
      plan.kept[++merged] = inner;
    }
  }
  plan.kept_count = plan.kept_count == 0 ? 0 : merged + 1;
  merged = 0;
  for (int i = 1; i < plan.reduced_count; ++i) {
    ReducedDim& outer = plan.reduced[merged];
    const ReducedDim& inner = plan.reduced[i];
    if (outer.stride == inner.stride * inner.size) {
      outer = {outer.size * inner.size, inner.stride};
    } else {
      plan.reduced[++merged] = inner;
    }
  }
  plan.reduced_count = plan.reduced_count == 0 ? 0 : merged + 1;

  if (plan.kept_count == 0) plan.kept[plan.kept_count++] = {1, 0, 1};
  if (plan.reduced_count == 0) plan.reduced[plan.reduced_count++] = {1, 0};
  return plan;
}

KeptOffset kept_offset(const ReducePlan& plan, Size outer_index) {
  KeptOffset offset;
  for (int i = plan.kept_count - 2; i >= 0; --i) {
    const KeptDim& dim = plan.kept[i];
    offset.in += outer_index % dim.size * dim.stride;
    offset.out += outer_index % dim.size * dim.out_stride;
    outer_index /= dim.size;
  }
  return offset;
}

void gather_block(std::size_t item_size, const std::byte* x, Size rows, Size row_stride,
                  Size columns, Size column_stride, std::byte* buffer) {
  switch (item_size) {
    case 8:
      return gather<std::uint64_t>(x, rows, row_stride, columns, column_stride, buffer);
    case 4:
      return gather<std::uint32_t>(x, rows, row_stride, columns, column_stride, buffer);
    default:
      return gather<std::uint8_t>(x, rows, row_stride, columns, column_stride, buffer);
  }
}

}  // namespace reel::kernels
