#include "reel/kernels/loops.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "reel/kernels/nest.h"
#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

/// Whether dimension `a` should lie inside dimension `b`: decided by the first operand that tells
/// them apart, the output before the inputs.
bool belongs_inside(const Nest& nest, int a, int b) {
  for (int k = 0; k < nest.operands; ++k) {
    const Size of_a = std::abs(nest.stride[a][k]);
    const Size of_b = std::abs(nest.stride[b][k]);
    if (of_a != of_b && of_a != 0 && of_b != 0) return of_a < of_b;
  }
  return false;
}

void swap_dims(Nest& nest, int a, int b) {
  std::swap(nest.size[a], nest.size[b]);
  std::swap(nest.stride[a], nest.stride[b]);
}

void sort_dims(Nest& nest) {
  for (int d = 1; d < nest.rank; ++d) {
    for (int i = d; i > 0 && belongs_inside(nest, i - 1, i); --i) swap_dims(nest, i - 1, i);
  }
}

void merge_dims(Nest& nest) {
  int last = 0;
  for (int d = 1; d < nest.rank; ++d) {
    bool one_piece = true;
    for (int k = 0; k < nest.operands; ++k) {
      one_piece &= nest.stride[last][k] == nest.stride[d][k] * nest.size[d];
    }
    if (one_piece) {
      nest.size[last] *= nest.size[d];
    } else {
      nest.size[++last] = nest.size[d];
    }
    std::copy_n(nest.stride[d], max_operands, nest.stride[last]);
  }
  nest.rank = std::min(nest.rank, last + 1);
}

void run_serial(Loop loop, const Nest& nest, const double* params) {
  Plane plane;
  if (nest.rank > 0) {
    plane.inner = nest.size[nest.rank - 1];
    std::copy_n(nest.stride[nest.rank - 1], max_operands, plane.inner_stride);
  }
  if (nest.rank > 1) {
    plane.outer = nest.size[nest.rank - 2];
    std::copy_n(nest.stride[nest.rank - 2], max_operands, plane.outer_stride);
  }
  std::byte* data[max_operands];
  std::copy_n(nest.data, nest.operands, data);
  const int outside = std::max(nest.rank - 2, 0);
  Size index[Shape::max_size] = {};
  while (true) {
    loop(data, plane, params);
    int d = outside - 1;
    for (; d >= 0; --d) {
      const bool wraps = ++index[d] == nest.size[d];
      const Size steps = wraps ? 1 - nest.size[d] : 1;
      for (int k = 0; k < nest.operands; ++k) data[k] += steps * nest.stride[d][k] * nest.item[k];
      if (!wraps) break;
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

}  // namespace

Nest make_nest(const Shape& shape, std::span<const Operand> operands) {
  Nest nest;
  for (const Operand& operand : operands) {
    nest.item[nest.operands] = operand.item;
    nest.data[nest.operands++] = static_cast<std::byte*>(const_cast<void*>(operand.data));
  }
  for (Size d = 0; d < shape.size(); ++d) {
    if (shape[d] == 1) continue;
    nest.size[nest.rank] = shape[d];
    int k = 0;
    for (const Operand& operand : operands) nest.stride[nest.rank][k++] = (*operand.strides)[d];
    for (; k < max_operands; ++k) nest.stride[nest.rank][k] = 0;
    ++nest.rank;
  }
  sort_dims(nest);
  merge_dims(nest);
  return nest;
}

void run_nest(Loop loop, const Nest& nest, const double* params) {
  const Size numel = nest.numel();
  if (numel == 0) return;
  if (numel < 2 * parallel_grain) return run_serial(loop, nest, params);
  // The outermost dimension that can feed every thread, else the longest.
  int split = 0;
  for (int d = 1; d < nest.rank && nest.size[split] < 16; ++d) {
    if (nest.size[d] > nest.size[split]) split = d;
  }
  const Size slice = numel / nest.size[split];
  parallel_for(nest.size[split], std::max<Size>(parallel_grain / slice, 1),
               [&](Size begin, Size end) {
                 Nest part = nest;
                 part.size[split] = end - begin;
                 for (int k = 0; k < part.operands; ++k) {
                   part.data[k] += begin * part.stride[split][k] * part.item[k];
                 }
                 run_serial(loop, part, params);
               });
}

Strides broadcast_strides(const Shape& shape, const Strides& strides, const Shape& to) {
  Strides result = Strides::repeat(to.size(), 0);
  const Size offset = to.size() - shape.size();
  for (Size d = 0; d < shape.size(); ++d) {
    result[offset + d] = shape[d] == 1 ? 0 : strides[d];
  }
  return result;
}

void run(Loop loop, const Shape& shape, std::span<const Operand> operands, const double* params) {
  run_nest(loop, make_nest(shape, operands), params);
}

namespace detail {

void run_flat_parallel(Loop loop, Size n, std::span<const Operand> operands, const double* params) {
  Nest nest;
  nest.rank = 1;
  nest.size[0] = n;
  for (const Operand& operand : operands) {
    nest.stride[0][nest.operands] = operand.single ? 0 : 1;
    nest.item[nest.operands] = operand.item;
    nest.data[nest.operands++] = static_cast<std::byte*>(const_cast<void*>(operand.data));
  }
  run_nest(loop, nest, params);
}

}  // namespace detail
}  // namespace reel::kernels
