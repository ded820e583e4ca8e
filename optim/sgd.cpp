#include "reel/optim/sgd.h"

#include "reel/kernels/optim.h"
#include "reel/optim/options.h"

namespace reel::optim {

SGD::SGD(const std::vector<Tensor>& parameters, const SGDOptions& options)
    : SGD(std::vector<Group>{{parameters, options}}) {}

SGD::SGD(const std::vector<Group>& groups) : GroupedOptimizer("SGD") {
  detail::add_groups(*this, name(), groups);
}

void SGD::update(Size group, const Update& update) {
  const SGDOptions& o = options_of(group);
  const bool has_momentum = o.momentum != 0;
  const kernels::SgdStep step{.lr = o.lr,
                              .momentum = o.momentum,
                              .dampening = o.dampening,
                              .weight_decay = o.weight_decay,
                              .nesterov = o.nesterov,
                              .first = has_momentum && !update.has_buffer(0)};
  const Tensor& p = update.parameter;
  kernels::sgd_step(p.dtype(), p.numel(), step, update.gradient.impl().data, p.impl().data,
                    has_momentum ? update.buffer(0).impl().data : nullptr);
}

std::span<const BufferKind> SGD::buffer_kinds() const {
  static constexpr BufferKind kinds[] = {{.name = "momentum_buffer", .optional = true}};
  return kinds;
}

void SGD::visit_options(Size group, const OptionVisitor& visit) {
  SGDOptions& o = options_of(group);
  visit("lr", o.lr);
  visit("momentum", o.momentum);
  visit("dampening", o.dampening);
  visit("weight_decay", o.weight_decay);
  detail::visit_flag("nesterov", o.nesterov, visit);
}

void SGD::check_options(Size group) const {
  const SGDOptions& o = options_of(group);
  detail::check_not_negative(name(), "lr", o.lr);
  detail::check_not_negative(name(), "momentum", o.momentum);
  detail::check_finite(name(), "dampening", o.dampening);
  detail::check_not_negative(name(), "weight_decay", o.weight_decay);
  check(!o.nesterov || (o.momentum > 0 && o.dampening == 0), name(),
        "expected momentum above 0 and no dampening for nesterov, got momentum {} and dampening {}",
        o.momentum, o.dampening);
}

}  // namespace reel::optim
