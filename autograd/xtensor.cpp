#include "reel/autograd/xtensor.h"
#include "reel/base/detail/broadcast.h"
#include "reel/base/detail/promotion.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "reel/base/fail.h"

namespace reel::detail {

void check_row_major(const Tensor& x, std::optional<std::size_t> dims) {
  check(x.is_contiguous(), "view_as_xtensor",
        "expected a row-major tensor, got strides {} for shape {}\nhelp: use contiguous()",
        x.strides(), x.shape());
  check(!dims || static_cast<Size>(*dims) == x.dim(), "view_as_xtensor",
        "expected {} dimensions, got shape {}", dims.value_or(0), x.shape());
}

OpCall begin_op(const char* name, const std::vector<Tensor>& inputs, const RecordOptions& options,
                bool elementwise) {
  DType dtype = float32;
  Shape shape = inputs.front().shape();
  bool numbers_only = true;
  for (const Tensor& x : inputs) {
    const bool is_number = x.impl().is_number;
    // A number follows the tensors beside it.
    if (!is_number || numbers_only) {
      const DType own = floating_type(dtype_of_operand(x.impl()));
      dtype = numbers_only ? own : promote_types(dtype, own);
      numbers_only = is_number;
    }
    if (!options.shape || elementwise) shape = broadcast_shapes(name, shape, x.shape());
  }
  check(!elementwise || !options.shape || shape == *options.shape, name,
        "expected inputs that broadcast to the output's shape {}, got {}",
        options.shape.value_or(shape), shape);
  OpCall call;
  for (const Tensor& x : inputs) {
    Tensor input = x.detach().to(dtype);
    if (elementwise) input = input.expand(shape);
    call.inputs.push_back(input.contiguous());
  }
  call.out = empty(options.shape.value_or(shape), {.dtype = dtype});
  return call;
}

void match_dtypes(Gradients& gradients, std::initializer_list<DType> dtypes, const Needs& needs) {
  const std::size_t count = std::min(gradients.size(), dtypes.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (needs[i] && gradients[i].defined()) gradients[i] = gradients[i].to(dtypes.begin()[i]);
  }
}

void forward_failed(const char* name, const OpCall& call, const char* what) {
  std::vector<std::string> shapes;
  for (const Tensor& x : call.inputs) shapes.push_back(to_string(x.shape()));
  fail(name, "expected a forward that makes shape {} from inputs of shape {}, got: {}",
       call.out.shape(), fmt::join(shapes, ", "), what);
}

void check_forward(const char* name, const OpCall& call, const std::size_t* shape,
                   std::size_t dim) {
  const Shape filled(shape, shape + dim);
  check(filled == call.out.shape(), name,
        "expected a forward that keeps the output's shape {}, got {}", call.out.shape(), filled);
}

}  // namespace reel::detail
