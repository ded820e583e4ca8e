#include "reel/train/callback.h"

#include <cmath>

#include "reel/autograd/tape.h"

namespace reel::train {

void EarlyStopping::operator()(EpochEnd& epoch) {
  const double loss = epoch.val_loss.value_or(epoch.loss);
  const bool first = best_epoch == 0 || epoch.epoch == 1;
  if (first || std::isnan(best_loss) || loss < best_loss - min_delta) {
    best_loss = loss;
    best_epoch = epoch.epoch;
    if (restore_best) {
      best_state.clear();
      for (const Tensor& tensor : epoch.state) best_state.push_back(tensor.detach().clone());
    }
  } else if (epoch.epoch - best_epoch >= patience) {
    epoch.stop = true;
  }
  const bool last = epoch.stop || epoch.epoch == epoch.epochs;
  if (!last || !restore_best || best_epoch == epoch.epoch) return;
  const NoGradGuard no_grad;
  for (std::size_t i = 0; i < best_state.size(); ++i) epoch.state[i].copy_(best_state[i]);
}

}  // namespace reel::train
