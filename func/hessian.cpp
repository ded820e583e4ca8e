#include "reel/func/hessian.h"

#include "reel/ops/create/create.h"

namespace reel::func::detail {

LossAndProduct hessian_product(Trace& trace, const Tensor& loss,
                               const std::vector<Tensor>& tangents) {
  trace.finish({loss});
  check_loss(trace.name(), loss);
  trace.check_like("tangent", tangents, trace.inputs());
  const std::vector<Tensor> gradient = trace.pull({ones_like(loss)}, Walk::record);
  return {trace.released(loss), own(trace.pull(gradient, tangents, Walk::last))};
}

}  // namespace reel::func::detail
