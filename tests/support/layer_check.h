#pragma once

// One check that every layer passes: shapes, names, state, gradients, modes, copies, hooks, dtypes.
// It is compiled once, over layers whose type is forgotten; what needs the type is here.

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "reel/nn/any_module.h"
#include "reel/nn/hooks.h"
#include "reel/nn/module.h"
#include "reel/nn/sequential.h"
#include "reel/ops/create/random.h"

namespace reel::testing {

/// What `check_layer` expects.
struct LayerCheck {
  Shape input;
  Shape output;
  std::vector<std::string> parameters = {};  ///< names in order
  Size num_parameters = 0;
  std::vector<std::string> buffers = {};
  bool random_in_training = false;  ///< then gradients are checked in evaluation only
  bool second_order = true;
  std::optional<Size> batch_dim = 0;  ///< of input and output, none for single sequences
};

namespace layer {

inline std::vector<std::string> names(const NamedTensors& tensors) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : tensors) result.push_back(name);
  return result;
}

/// Sees what modules of a type are given and return.
class Calls final {
 public:
  explicit Calls(const std::type_info& type)
      : handle_(nn::register_module_forward_hook([this, &type](const nn::ModuleRef& module,
                                                               const std::vector<Tensor>& inputs,
                                                               const std::vector<Tensor>& outputs) {
          if (module.type() != type) return;
          modules_.push_back(module.address());
          input_ = inputs.empty() ? Tensor() : inputs.front();
          shape_ = outputs.front().shape();
        })) {}
  ~Calls() { handle_.remove(); }
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  /// Whether, since it was last asked, the module that returned last, `module` if given, was seen
  /// to do so once, and in that shape.
  bool once(const Shape& shape, const void* module = nullptr) {
    const std::vector<const void*> seen = std::exchange(modules_, {});
    return !seen.empty() && std::count(seen.begin(), seen.end(), seen.back()) == 1 &&
           shape_ == shape && (module == nullptr || module == seen.back());
  }
  /// The first tensor that it was given.
  const Tensor& input() const { return input_; }

 private:
  std::vector<const void*> modules_;
  Tensor input_;
  Shape shape_;
  HookHandle handle_;
};

/// A layer, behind its type.
class Interface {
 public:
  using BeforeForward = std::function<Tensor(const Tensor& x)>;
  using AfterForward = std::function<Tensor(const Tensor& x, const Tensor& y)>;
  using BeforeBackward = std::function<Tensor(const Tensor& dy)>;
  using AfterBackward =
      std::function<Tensor(const void* module, const Tensor& dx, const Tensor& dy)>;

  virtual ~Interface() = default;
  virtual Tensor forward(const Tensor& x) const = 0;
  virtual void walk(nn::detail::Visitor& visitor) = 0;
  virtual const std::type_info& type() const = 0;
  virtual const void* address() const = 0;
  virtual std::unique_ptr<Interface> clone(nn::detail::CopyMemo& memo) const = 0;
  virtual std::unique_ptr<Interface> copy() const = 0;
  virtual std::unique_ptr<Interface> move() = 0;
  virtual nn::AnyModule any() const = 0;
  /// Called by a user's struct in a `Sequential`.
  virtual Tensor forward_inside(const Tensor& x) const = 0;
  virtual void hook_forward(BeforeForward before, AfterForward after) = 0;
  virtual void hook_backward(BeforeBackward before, AfterBackward after) = 0;
};

template <class L>
class Typed final : public Interface {
  static_assert(std::is_nothrow_move_constructible_v<L>, "a vector that grows would copy it");

 public:
  explicit Typed(const L& layer) : layer_(layer) {}
  explicit Typed(L&& layer) : layer_(std::move(layer)) {}

  Tensor forward(const Tensor& x) const override { return layer_(x); }
  void walk(nn::detail::Visitor& visitor) override { nn::detail::walk(layer_, visitor); }
  const std::type_info& type() const override { return typeid(L); }
  const void* address() const override { return &layer_; }
  std::unique_ptr<Interface> clone(nn::detail::CopyMemo& memo) const override {
    return std::make_unique<Typed>(nn::detail::deep_copy(layer_, memo));
  }
  std::unique_ptr<Interface> copy() const override { return std::make_unique<Typed>(layer_); }
  std::unique_ptr<Interface> move() override { return std::make_unique<Typed>(std::move(layer_)); }
  nn::AnyModule any() const override { return layer_; }

  Tensor forward_inside(const Tensor& x) const override {
    struct Around {
      L inner;
      Tensor operator()(const Tensor& v) const { return inner(v); }
    };
    return nn::Sequential{Around{layer_}, [](const Tensor& v) { return v; }}(x);
  }

  void hook_forward(BeforeForward before, AfterForward after) override {
    nn::register_forward_pre_hook(layer_, [=](const L&, const Tensor& x) { return before(x); });
    nn::register_forward_hook(
        layer_, [=](const L&, const Tensor& x, const Tensor& y) { return after(x, y); });
  }
  void hook_backward(BeforeBackward before, AfterBackward after) override {
    nn::register_full_backward_hook(layer_,
                                    [=](const L& module, const Tensor& dx, const Tensor& dy) {
                                      return after(&module, dx, dy);
                                    });
    nn::register_full_backward_pre_hook(layer_,
                                        [=](const L&, const Tensor& dy) { return before(dy); });
  }

 private:
  L layer_;
};

/// A layer whose type is forgotten, a module to all functions of `nn`.
class AnyLayer {
 public:
  template <class L>
    requires(!std::is_same_v<L, AnyLayer>)
  AnyLayer(const L& layer) : layer_(std::make_unique<Typed<L>>(layer)) {}
  AnyLayer(std::unique_ptr<Interface> layer) : layer_(std::move(layer)) {}

  Tensor operator()(const Tensor& x) const { return layer_->forward(x); }
  Interface* operator->() const { return layer_.get(); }

  using reel_self = AnyLayer;
  static void reel_walk(const AnyLayer& self, nn::detail::Visitor& visitor) {
    self.layer_->walk(visitor);
  }
  static AnyLayer reel_copy(const AnyLayer& self, nn::detail::CopyMemo& memo) {
    return self.layer_->clone(memo);
  }

 private:
  std::unique_ptr<Interface> layer_;
};

}  // namespace layer

/// Checks all that every layer does, among it `expected`.
void check_layer(const layer::AnyLayer& layer, const LayerCheck& expected);

}  // namespace reel::testing
