#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>

#include "reel/base/shape.h"

namespace reel::kernels {

/// The most tensors one elementwise loop goes through: one output and three inputs.
inline constexpr int max_operands = 4;

/// The two innermost dimensions of an elementwise loop; strides in elements, operand 0 is the
/// output.
struct Plane {
  Size inner = 1;
  Size outer = 1;
  Size inner_stride[max_operands] = {};
  Size outer_stride[max_operands] = {};
};

/// A kernel: works through one plane. `data` points at the first element of each operand, `params`
/// at the numbers the kernel takes beside its tensors.
using Loop = void (*)(std::byte* const* data, const Plane& plane, const double* params);

/// One tensor of an elementwise loop.
struct Operand {
  const void* data = nullptr;
  Size item = 0;                     ///< bytes of one element
  const Strides* strides = nullptr;  ///< for the loop's shape, 0 where broadcast; `run` needs it
  bool single = false;               ///< one element for all; `run_flat` looks at it
};

/// The strides that let a tensor of `shape` be read as one of shape `to`: 0 where it is broadcast.
Strides broadcast_strides(const Shape& shape, const Strides& strides, const Shape& to);

/// Runs `loop` over every element of `shape`: orders the dimensions by the strides of the output
/// (operand 0) and then of the inputs, merges those that lie in one piece in every operand, gives
/// the two innermost to the kernel, and splits large work over the threads.
void run(Loop loop, const Shape& shape, std::span<const Operand> operands,
         const double* params = nullptr);
inline void run(Loop loop, const Shape& shape, std::initializer_list<Operand> operands,
                const double* params = nullptr) {
  run(loop, shape, std::span<const Operand>(operands.begin(), operands.size()), params);
}

/// Up to so many elements a loop over contiguous memory runs on the calling thread without further
/// ado.
inline constexpr Size flat_limit = 32768;

namespace detail {
void run_flat_parallel(Loop loop, Size n, std::span<const Operand> operands, const double* params);
}  // namespace detail

/// `run` for operands that all have the same layout without gaps, or a single element: the way of
/// small tensors, which costs a few nanoseconds.
inline void run_flat(Loop loop, Size n, std::span<const Operand> operands,
                     const double* params = nullptr) {
  if (n > flat_limit) return detail::run_flat_parallel(loop, n, operands, params);
  if (n == 0) return;
  std::byte* data[max_operands];
  Plane plane{.inner = n};
  int count = 0;
  for (const Operand& operand : operands) {
    data[count] = static_cast<std::byte*>(const_cast<void*>(operand.data));
    plane.inner_stride[count++] = operand.single ? 0 : 1;
  }
  loop(data, plane, params);
}
inline void run_flat(Loop loop, Size n, std::initializer_list<Operand> operands,
                     const double* params = nullptr) {
  run_flat(loop, n, std::span<const Operand>(operands.begin(), operands.size()), params);
}

}  // namespace reel::kernels
