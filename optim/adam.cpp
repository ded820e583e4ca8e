#include "reel/optim/adam.h"

#include <cmath>

#include "reel/kernels/optim.h"
#include "reel/optim/adamw.h"
#include "reel/optim/options.h"

namespace reel::optim {
namespace {

// Adam and AdamW differ in one place: whether the weight decay passes through the averages.

enum Buffer : std::size_t { exp_avg, exp_avg_sq, max_exp_avg_sq };

constexpr BufferKind adam_buffers[] = {
    {.name = "exp_avg"}, {.name = "exp_avg_sq"}, {.name = "max_exp_avg_sq", .optional = true}};

template <class Options, class Update>
void adam_update(const Options& o, bool decoupled, const Update& update) {
  const auto t = static_cast<double>(update.step);
  const kernels::AdamStep step{.lr = o.lr,
                               .beta1 = o.betas.first,
                               .beta2 = o.betas.second,
                               .eps = o.eps,
                               .weight_decay = o.weight_decay,
                               .decoupled = decoupled,
                               .correction1 = 1 - std::pow(o.betas.first, t),
                               .correction2 = 1 - std::pow(o.betas.second, t)};
  const Tensor& p = update.parameter;
  kernels::adam_step(p.dtype(), p.numel(), step, update.gradient.impl().data, p.impl().data,
                     update.buffer(exp_avg).impl().data, update.buffer(exp_avg_sq).impl().data,
                     o.amsgrad ? update.buffer(max_exp_avg_sq).impl().data : nullptr);
}

template <class Options, class Visitor>
void visit_adam_options(Options& o, const Visitor& visit) {
  visit("lr", o.lr);
  visit("betas.0", o.betas.first);
  visit("betas.1", o.betas.second);
  visit("eps", o.eps);
  visit("weight_decay", o.weight_decay);
  detail::visit_flag("amsgrad", o.amsgrad, visit);
}

template <class Options>
void check_adam_options(const char* name, const Options& o) {
  detail::check_not_negative(name, "lr", o.lr);
  detail::check_not_negative(name, "eps", o.eps);
  detail::check_not_negative(name, "weight_decay", o.weight_decay);
  const auto [beta1, beta2] = o.betas;
  check(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1, name,
        "expected betas in [0, 1), got {{{}, {}}}", beta1, beta2);
}

}  // namespace

Adam::Adam(const std::vector<Tensor>& parameters, const AdamOptions& options)
    : Adam(std::vector<Group>{{parameters, options}}) {}
Adam::Adam(const std::vector<Group>& groups) : GroupedOptimizer("Adam") {
  detail::add_groups(*this, name(), groups);
}
void Adam::update(Size group, const Update& update) {
  adam_update(options_of(group), false, update);
}
std::span<const BufferKind> Adam::buffer_kinds() const { return adam_buffers; }
void Adam::visit_options(Size group, const OptionVisitor& visit) {
  visit_adam_options(options_of(group), visit);
}
void Adam::check_options(Size group) const { check_adam_options(name(), options_of(group)); }

AdamW::AdamW(const std::vector<Tensor>& parameters, const AdamWOptions& options)
    : AdamW(std::vector<Group>{{parameters, options}}) {}
AdamW::AdamW(const std::vector<Group>& groups) : GroupedOptimizer("AdamW") {
  detail::add_groups(*this, name(), groups);
}
void AdamW::update(Size group, const Update& update) {
  adam_update(options_of(group), true, update);
}
std::span<const BufferKind> AdamW::buffer_kinds() const { return adam_buffers; }
void AdamW::visit_options(Size group, const OptionVisitor& visit) {
  visit_adam_options(options_of(group), visit);
}
void AdamW::check_options(Size group) const { check_adam_options(name(), options_of(group)); }

}  // namespace reel::optim
