#pragma once

#include <array>
#include <concepts>
#include <memory>
#include <span>
#include <tuple>
#include <utility>

#include "reel/datasets/dataset.h"

namespace reel {

template <Dataset D>
class DataLoader;

}  // namespace reel

namespace reel::train {

class LabeledData;

/// A data set whose batches are two tensors, inputs and targets.
template <class D>
concept LabeledDataset =
    !std::same_as<D, LabeledData> && Dataset<D> && (std::tuple_size<BatchOf<D>>::value == 2);

namespace detail {

template <class D>
constexpr bool is_loader = false;
template <class D>
constexpr bool is_loader<DataLoader<D>> = true;

}  // namespace detail

/// Any such data set, its type forgotten; itself a data set. A handle: copies share the set.
class LabeledData {
 public:
  /// No data.
  LabeledData() = default;

  template <class D>
    requires(!std::same_as<D, LabeledData>)
  LabeledData(const D& set) {
    constexpr bool loader = detail::is_loader<D>, tensor = std::derived_from<D, Tensor>;
    static_assert(!loader,
                  "Reel: fit and evaluate make the batches themselves: hand over the data set, and "
                  ".batch_size in the options");
    static_assert(!tensor, "Reel: inputs and targets become one data set: TensorDataset{x, y}");
    static_assert(LabeledDataset<D> || loader || tensor,
                  "Reel: data for training is a data set whose samples are pairs of input and "
                  "target, as TensorDataset{x, y}");
    if constexpr (LabeledDataset<D>) set_ = std::make_shared<const Of<D>>(set);
  }

  bool defined() const { return set_ != nullptr; }
  Size size() const { return set_->size(); }
  std::array<Tensor, 2> batch(std::span<const Size> indices) const { return set_->batch(indices); }

 private:
  struct Any {
    virtual ~Any() = default;
    virtual Size size() const = 0;
    virtual std::array<Tensor, 2> batch(std::span<const Size> indices) const = 0;
  };
  template <class D>
  struct Of final : Any {
    explicit Of(const D& data) : set(data) {}
    Size size() const override { return set.size(); }
    std::array<Tensor, 2> batch(std::span<const Size> indices) const override {
      auto [inputs, targets] = batch_of(set, indices);
      return {std::move(inputs), std::move(targets)};
    }
    D set;
  };

  std::shared_ptr<const Any> set_;
};

}  // namespace reel::train
