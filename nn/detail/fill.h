#pragma once

// Internal: what the `complete` of each layer is written with.

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/nn/parameter.h"

namespace reel::nn::detail {

inline void check_given(const char* layer, const char* name, const Tensor& given,
                        const Shape& shape) {
  check(given.shape() == shape, layer, "expected {} of shape {}, got {}", name, shape,
        given.shape());
}

/// Lets `make(shape)` make a parameter or buffer that was not given; a given one must have this
/// shape.
template <class Field, class Make>
void fill(const char* layer, const char* name, Field& field, const Shape& shape, Make make) {
  reel::detail::checked_numel(layer, shape);
  if (field.defined())
    check_given(layer, name, field, shape);
  else
    field = Field(make(shape));
}

/// The same for a bias, which may be unwanted.
template <class Make>
void fill(const char* layer, const char* name, Bias& bias, const Shape& shape, Make make) {
  reel::detail::checked_numel(layer, shape);
  if (bias.defined())
    check_given(layer, name, bias, shape);
  else if (bias.wanted())
    bias = Bias(make(shape));
}

}  // namespace reel::nn::detail
