#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/datasets/data_loader.h"
#include "reel/datasets/dataset.h"
#include "reel/train/detail/kept.h"

namespace reel::train {

/// The tensors of a batch, inputs first.
using Batch = std::vector<Tensor>;

class Data;

namespace detail {

template <class D>
constexpr bool is_data_loader = false;
template <class D>
constexpr bool is_data_loader<DataLoader<D>> = true;

template <class T>
constexpr bool is_tuple_of_tensors = false;
template <class T>
  requires(std::tuple_size<T>::value > 0)
constexpr bool is_tuple_of_tensors<T> = []<std::size_t... I>(std::index_sequence<I...>) {
  return (std::convertible_to<std::tuple_element_t<I, T>, Tensor> && ...);
}(std::make_index_sequence<std::tuple_size_v<T>>());

template <class T>
Batch tensors_of(T batch) {
  if constexpr (std::same_as<T, Batch>) {
    return batch;
  } else if constexpr (std::convertible_to<T, Tensor>) {
    return Batch(1, std::move(batch));
  } else {
    Batch tensors;
    tensors.reserve(std::tuple_size_v<T>);
    std::apply([&](auto&... parts) { (tensors.push_back(std::move(parts)), ...); }, batch);
    return tensors;
  }
}

/// Any data set, its type forgotten; itself a data set. A handle: copies share the set.
class AnySet {
 public:
  template <class D>
    requires(!std::same_as<D, AnySet> && Dataset<D>)  // in this order: the second asks for copies
  explicit AnySet(const D& set) : set_(std::make_shared<const Of<D>>(set)) {}

  Size size() const { return set_->size(); }
  Batch batch(std::span<const Size> indices) const { return set_->batch(indices); }

 private:
  struct Any {
    virtual ~Any() = default;
    virtual Size size() const = 0;
    virtual Batch batch(std::span<const Size> indices) const = 0;
  };
  template <class D>
  struct Of final : Any {
    explicit Of(const D& data) : set(data) {}
    Size size() const override { return set.size(); }
    Batch batch(std::span<const Size> indices) const override {
      return tensors_of(batch_of(set, indices));
    }
    D set;
  };

  std::shared_ptr<const Any> set_;
};

/// Any loader, its type forgotten.
class AnyLoader {
 public:
  virtual ~AnyLoader() = default;
  virtual Size samples() const = 0;
  /// The batches of a pass.
  virtual Size batches() const = 0;
  virtual const DataLoaderOptions& options() const = 0;
  /// Starts a pass.
  virtual void begin() = 0;
  /// The next batch of the pass, if there is one; what `batch` held is let go of before.
  virtual bool next(Batch& batch) = 0;
};

template <class D>
class LoaderOf final : public AnyLoader {
 public:
  explicit LoaderOf(std::shared_ptr<DataLoader<D>> loader) : loader_(std::move(loader)) {}

  Size samples() const override { return loader_->dataset().size(); }
  Size batches() const override { return loader_->size(); }
  const DataLoaderOptions& options() const override { return loader_->options(); }
  void begin() override {
    at_.emplace(loader_->begin());
    fresh_ = true;
  }
  bool next(Batch& batch) override {
    batch.clear();
    if (!std::exchange(fresh_, false)) ++*at_;
    if (*at_ == loader_->end()) return false;
    batch = tensors_of(**at_);
    return true;
  }

 private:
  std::shared_ptr<DataLoader<D>> loader_;
  std::optional<typename DataLoader<D>::Iterator> at_;
  bool fresh_ = true;  // no batch of this pass was made yet
};

/// Where batches come from: a data set, or a loader.
class Batches {
 public:
  Batches() = default;
  template <class D>
    requires(!std::derived_from<std::remove_cvref_t<D>, Batches>)
  explicit Batches(D&& data) {
    using Plain = std::remove_cvref_t<D>;
    if constexpr (is_data_loader<Plain>) {
      loader_ = loader_of(kept(std::forward<D>(data)));
    } else {
      set_.emplace(data);
    }
  }

  bool defined() const { return set_ || loader_; }
  /// Whether it makes the batches itself.
  bool is_loader() const { return loader_ != nullptr; }
  /// How many samples there are.
  Size size() const { return set_ ? set_->size() : loader_->samples(); }
  /// The loader, or one of the data set that begins with pass number `epoch`, from 0.
  REEL_API std::shared_ptr<AnyLoader> loader(const DataLoaderOptions& options,
                                             Size epoch = 0) const;

 private:
  template <class D>
  static std::shared_ptr<AnyLoader> loader_of(std::shared_ptr<DataLoader<D>> loader) {
    return std::make_shared<LoaderOf<D>>(std::move(loader));
  }

  std::optional<AnySet> set_;
  std::shared_ptr<AnyLoader> loader_;
};

template <class D>
struct BatchesOf {};
template <Dataset D>
struct BatchesOf<D> {
  using type = BatchOf<D>;
};
template <class D>
struct BatchesOf<DataLoader<D>> {
  using type = typename DataLoader<D>::Batch;
};

}  // namespace detail

/// A data set, or a `DataLoader`, whose batches are tuples of tensors, two at least: inputs, and
/// targets at the end.
template <class D>
concept LabeledDataset = detail::is_tuple_of_tensors<typename detail::BatchesOf<D>::type> &&
                         (std::tuple_size<typename detail::BatchesOf<D>::type>::value >= 2);

/// What a model is trained on or measured with: a data set, a `DataLoader`, or two tensors.
///
/// The last tensor of a batch holds the targets, which the loss and the metrics are given; those
/// before are the model's arguments, `net(a, b)` for batches of three. An autoencoder's targets are
/// its inputs: `{x, x}`.
///
/// A data set is copied, as a handle. A loader makes the batches itself, by its own options; one of
/// the caller's is left where it is, so that it goes on there, and must live as long as this.
///
/// **Example** `train::fit(model, train_set, {.validation = {x, y}})`
class Data : public detail::Batches {
 public:
  /// No data.
  Data() = default;
  /// Row i of `x` is an input, row i of `y` its target. Throws `Error` where they are not as many.
  Data(const Tensor& x, const Tensor& y) : Batches(TensorDataset<2>(x, y)) {}

  /// A labeled data set, or a `DataLoader` of one; what is neither does not compile.
  template <class D>
    requires(!std::same_as<std::remove_cvref_t<D>, Data>)
  Data(D&& data) : Batches(checked(std::forward<D>(data))) {}

 private:
  template <class D>
  static decltype(auto) checked(D&& data) {
    using Plain = std::remove_cvref_t<D>;
    constexpr bool tensor = std::derived_from<Plain, Tensor>;
    static_assert(!tensor,
                  "Reel: inputs and targets come together: fit(model, x, y), or one data "
                  "set, TensorDataset{x, y}");
    static_assert(LabeledDataset<Plain> || tensor,
                  "Reel: data for training is a data set whose samples are tuples of inputs and, "
                  "at the end, a target, as TensorDataset{x, y}");
    if constexpr (LabeledDataset<Plain>) {
      return std::forward<D>(data);
    } else {
      return Batches();
    }
  }
};

}  // namespace reel::train
