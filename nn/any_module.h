#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "reel/nn/detail/call.h"
#include "reel/nn/detail/callable.h"
#include "reel/nn/detail/deep_copy.h"
#include "reel/nn/detail/walk.h"

namespace reel::nn {

/// A module that maps one tensor to another.
template <class M>
concept UnaryModule = detail::maps_tensors<M>();

/// Any module that maps one tensor to another, its type forgotten: for networks put together at run
/// time, as `std::vector<nn::AnyModule>`. Copies share the module, as copies of a tensor do;
/// `nn::clone` copies it. In names, summaries and `nn::apply` only the module inside appears.
///
/// **Example**
/// ```cpp
/// nn::AnyModule layer = nn::Linear{784, 128};
/// ```
class AnyModule {
 public:
  template <class M>
    requires(!std::same_as<std::remove_cvref_t<M>, AnyModule> && UnaryModule<std::decay_t<M>>)
  AnyModule(M&& module)
      : model_(std::make_shared<Model<std::decay_t<M>>>(std::forward<M>(module))) {}

  Tensor operator()(const Tensor& x) const { return model_->forward(x); }

  /// The module inside if it is an `M`, else null: `if (auto* linear = any.as<nn::Linear>())`.
  template <class M>
  M* as() const {
    auto* model = dynamic_cast<Model<M>*>(model_.get());
    return model != nullptr ? &model->module : nullptr;
  }

  using reel_self = AnyModule;
  static void reel_walk(const AnyModule& self, detail::Visitor& visitor) {
    self.model_->walk(visitor);
  }
  static AnyModule reel_copy(const AnyModule& self, detail::CopyMemo& memo) {
    std::shared_ptr<void>& copied = memo.shared(self.model_.get());
    if (copied != nullptr) return AnyModule(std::static_pointer_cast<Interface>(copied));
    std::shared_ptr<Interface> copy = self.model_->copy(memo);
    memo.shared(self.model_.get()) = copy;
    return AnyModule(std::move(copy));
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual Tensor forward(const Tensor& x) = 0;
    virtual void walk(detail::Visitor& visitor) = 0;
    virtual std::shared_ptr<Interface> copy(detail::CopyMemo& memo) = 0;
  };

  template <class M>
  struct Model final : Interface {
    template <class From>
    explicit Model(From&& from) : module(std::forward<From>(from)) {}
    Tensor forward(const Tensor& x) override {
      return detail::call(&module, [&] { return module(x); });
    }
    void walk(detail::Visitor& visitor) override { detail::walk(module, visitor); }
    std::shared_ptr<Interface> copy(detail::CopyMemo& memo) override {
      return std::make_shared<Model>(detail::deep_copy(module, memo));
    }
    M module;
  };

  explicit AnyModule(std::shared_ptr<Interface> model) : model_(std::move(model)) {}

  std::shared_ptr<Interface> model_;
};

}  // namespace reel::nn
