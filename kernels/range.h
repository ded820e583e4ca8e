#pragma once

#include "reel/kernels/array.h"

namespace reel::kernels {

// Evenly spaced numbers for contiguous vectors of any dtype that holds the first and the last.

/// out[i] = start + i step.
void arange(Size start, Size step, const Array& out);
void arange(double start, double step, const Array& out);

/// From `start` to `end`, counted from the nearer one, so that both are exact and the middle is
/// symmetric; `start` alone if there is one element.
void linspace(double start, double end, const Array& out);

}  // namespace reel::kernels
