#pragma once

// Internal: what every op that writes into its tensor asks first.

#include "reel/autograd/tape.h"
#include "reel/autograd/tensor.h"

namespace reel::detail {

/// Throws unless `x` may be overwritten: the tape records neither it nor what is written, and its
/// elements each have memory of their own.
void check_writable(const char* op, const Tensor& x, bool recorded);

template <class... Sources>
void check_in_place(const char* op, const Tensor& x, const Sources&... sources) {
  check_writable(op, x, recording(x, sources...));
}

}  // namespace reel::detail
