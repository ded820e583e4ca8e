#include "reel/optim/sgd.h"

#include "reel/autograd/kernels/optim.h"
#include "reel/optim/options.h"

namespace reel::optim {

SGD::SGD(const std::vector<Tensor>& parameters, const SGDOptions& options)
    : SGD(std::vector<Group>{{parameters, options}}) {}

SGD::SGD(const std::vector<Group>& groups) : GroupedOptimizer("SGD") {
  detail::add_groups(*this, name(), groups);
}

void SGD::update(Size group, const Update& update) {
  const SGDOptions& o = options(group);
  const kernels::SgdStep step{.lr = o.lr,
                              .momentum = o.momentum,
                              .dampening = o.dampening,
                              .weight_decay = o.weight_decay,
                              .nesterov = o.nesterov,
                              .first = update.step == 1};
  const Tensor& p = update.parameter;
  kernels::sgd_step(p.dtype(), p.numel(), step, update.gradient.impl().data, p.impl().data,
                    o.momentum != 0 ? update.buffers[0].impl().data : nullptr);
}

std::vector<const char*> SGD::buffer_names(Size group) const {
  if (options(group).momentum == 0) return {};
  return {"momentum_buffer"};
}

void SGD::visit_options(Size group, const OptionVisitor& visit) {
  SGDOptions& o = options(group);
  visit("lr", o.lr);
  visit("momentum", o.momentum);
  visit("dampening", o.dampening);
  visit("weight_decay", o.weight_decay);
  detail::visit_flag("nesterov", o.nesterov, visit);
}

void SGD::check_options(Size group) const {
  const SGDOptions& o = options(group);
  detail::check_not_negative(name(), "lr", o.lr);
  detail::check_not_negative(name(), "momentum", o.momentum);
  detail::check_not_negative(name(), "weight_decay", o.weight_decay);
  check(!o.nesterov || (o.momentum > 0 && o.dampening == 0), name(),
        "expected momentum above 0 and no dampening for nesterov, got momentum {} and dampening {}",
        o.momentum, o.dampening);
}

}  // namespace reel::optim
