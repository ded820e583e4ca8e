#pragma once

#include <concepts>
#include <memory>
#include <string_view>
#include <type_traits>
#include <typeinfo>
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
  /// Takes over a module, or copies it where it has a name.
  template <class M>
    requires(!std::same_as<std::remove_cvref_t<M>, AnyModule> && UnaryModule<std::decay_t<M>>)
  AnyModule(M&& module)
      : model_(std::make_shared<Model<std::decay_t<M>>>(std::forward<M>(module))) {}

  /// Calls the module inside.
  Tensor operator()(Tensor x) const { return model_->forward(std::move(x)); }

  /// Used by what registers hooks: they stand with the module inside, whatever it is.
  detail::HookTable& hook_table() const { return model_->hook_table(); }
  /// Whether hooks want to see it called.
  bool is_watched() const { return detail::is_watched(&model_->hooks()); }

  /// The module inside if it is an `M`, else null: `if (auto* linear = any.as<nn::Linear>())`.
  template <class M>
  M* as() const {
    return model_->type() == typeid(M) ? &static_cast<Model<M>&>(*model_).module : nullptr;
  }

  /// The full name of the type inside, as the compiler spells it.
  std::string_view type_name() const { return model_->type_name(); }

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
    virtual Tensor forward(Tensor x) = 0;
    virtual Hooks& hooks() = 0;
    virtual detail::HookTable& hook_table() = 0;
    virtual const std::type_info& type() const = 0;
    virtual std::string_view type_name() const = 0;
    virtual void walk(detail::Visitor& visitor) = 0;
    virtual std::shared_ptr<Interface> copy(detail::CopyMemo& memo) = 0;
  };

  struct NoHooks {};

  template <class M>
  struct Model final : Interface {
    template <class From>
    explicit Model(From&& from) : module(std::forward<From>(from)) {}
    Tensor forward(Tensor x) override {
      return detail::call_with_hooks(
          &hooks(), &module, [&] { return module(std::move(x)); }, x);
    }
    Hooks& hooks() override {
      if constexpr (detail::takes_hooks<M>)
        return module.hooks;
      else
        return own_hooks;
    }
    detail::HookTable& hook_table() override { return hooks().table(&module, typeid(M)); }
    const std::type_info& type() const override { return typeid(M); }
    std::string_view type_name() const override { return detail::type_name<M>(); }
    void walk(detail::Visitor& visitor) override { detail::walk(module, visitor); }
    std::shared_ptr<Interface> copy(detail::CopyMemo& memo) override {
      return std::make_shared<Model>(detail::deep_copy(module, memo));
    }
    M module;
    [[no_unique_address]] std::conditional_t<detail::takes_hooks<M>, NoHooks, Hooks> own_hooks = {};
  };

  explicit AnyModule(std::shared_ptr<Interface> model) : model_(std::move(model)) {}

  std::shared_ptr<Interface> model_;
};

}  // namespace reel::nn
