#include "reel/train/data.h"

namespace reel::train::detail {

std::shared_ptr<AnyLoader> Batches::loader(const DataLoaderOptions& options, Size epoch) const {
  if (loader_) return loader_;
  auto made = std::make_shared<DataLoader<AnySet>>(*set_, options);
  made->set_epoch(static_cast<std::uint64_t>(epoch));
  return std::make_shared<LoaderOf<AnySet>>(std::move(made));
}

}  // namespace reel::train::detail
