#include "reel/datasets/detail/classes.h"

#include <map>

#include "reel/base/fail.h"
#include "reel/datasets/dataset.h"

namespace reel::datasets::detail {

std::vector<std::vector<Size>> samples_by_class(const char* op, const Tensor& labels, Size size,
                                                std::uint64_t seed, std::uint64_t stream) {
  check(labels.dim() == 1 && labels.size(0) == size && !labels.is_floating_point(), op,
        "expected the class of each sample, integers [{}], got {} {}", size, labels.dtype(),
        labels.shape());
  const Tensor classes = labels.detach().to(int64).contiguous();
  const auto* label = classes.data_ptr<std::int64_t>();
  std::map<std::int64_t, std::vector<Size>> by_class;
  for (const Size sample : reel::detail::shuffled_indices(size, seed, stream)) {
    by_class[label[sample]].push_back(sample);
  }
  std::vector<std::vector<Size>> samples;
  for (auto& [value, members] : by_class) samples.push_back(std::move(members));
  return samples;
}

}  // namespace reel::datasets::detail
