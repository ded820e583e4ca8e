#pragma once

#include "reel/optim/lr_scheduler/cycles.h"

namespace reel::optim {

/// Options of `SWALR`.
struct SWALROptions {
  PerGroup swa_lr = detail::must_be_given;  ///< the rate in the end; must be given
  Size anneal_epochs = 10;                  ///< the steps until then
  Anneal anneal_strategy = Anneal::cos;     ///< along half a cosine, or evenly

  void check(const auto& must) const { must.be_at_least_0(swa_lr, anneal_epochs); }
};

namespace detail {

struct SWALRRule {
  static constexpr const char* name = "SWALR";
  using Options = SWALROptions;
  static double rate(const Options& o, const ScheduleStep& at);
};

}  // namespace detail

/// From the rate that is to a constant one, for averages of weights (Izmailov et al. 2018). Follows
/// `torch.optim.swa_utils.SWALR`.
///
/// **Example** `optim::SWALR scheduler{optimizer, {.swa_lr = 0.05}};`
using SWALR = Schedule<detail::SWALRRule>;
extern template class REEL_API Schedule<detail::SWALRRule>;

}  // namespace reel::optim
