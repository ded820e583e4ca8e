#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "reel/autograd/tensor.h"
#include "reel/base/export.h"

namespace reel {

namespace detail {

/// What one call of a `Function` keeps for its backward.
struct FunctionState;

class FunctionCall;

}  // namespace detail

/// What `forward` of a `Function` leaves to its `backward`. Follows
/// `torch.autograd.function.FunctionCtx`.
class REEL_API Context {
 public:
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// In forward: keeps arguments and outputs for backward, in this order, after those that were
  /// kept before. A tensor that is changed in place meanwhile is an error then. Other tensors can
  /// be kept too, but then there is no second derivative: what backward does with them is not
  /// followed to the arguments. Follows `save_for_backward`.
  template <std::derived_from<Tensor>... Tensors>
  void save(const Tensors&... tensors) {
    (save_one(tensors, false), ...);
  }
  /// The same for all tensors of a list.
  void save(const std::vector<Tensor>& tensors) {
    for (const Tensor& tensor : tensors) save_one(tensor, false);
  }
  /// In forward: keeps a tensor that does not depend on the arguments, as a mask that was drawn, so
  /// that there are second derivatives.
  void save_constant(const Tensor& tensor) { save_one(tensor, true); }

  /// In backward: the tensors that forward has saved. Throws when there are none.
  const std::vector<Tensor>& saved() const;
  /// The same when there are `count`: `const auto [x, y] = context.saved<2>();`.
  template <std::size_t count>
  std::array<Tensor, count> saved() const {
    const std::vector<Tensor>& all = saved_of(count);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<Tensor, count>{all[I]...};
    }(std::make_index_sequence<count>());
  }

  /// In forward: keeps a value that is no tensor under a name. It may be one that can only be moved.
  template <class T>
  void keep(std::string_view name, T value) {
    static_assert(!std::derived_from<T, Tensor>,
                  "Reel: tensors are kept by context.save(), which sees changes in place");
    keep_value(name, std::make_shared<T>(std::move(value)), typeid(T));
  }
  /// What was kept under that name. Throws when there is nothing, or something of another type.
  template <class T>
  const T& kept(std::string_view name) const {
    return *static_cast<const T*>(kept_value(name, typeid(T)));
  }

  /// Whether the tensor argument at this place needs a gradient.
  bool needs_input_grad(std::size_t argument) const;

  /// In forward: says that these outputs have no gradient. Integer outputs never have one. Follows
  /// `mark_non_differentiable`.
  template <std::derived_from<Tensor>... Tensors>
  void mark_non_differentiable(const Tensors&... outputs) {
    (mark_one(outputs), ...);
  }

  /// In forward: whether backward is given zeros for outputs to which no gradient came, as it is
  /// unless told otherwise, or undefined tensors. Follows `set_materialize_grads`.
  void set_materialize_grads(bool value);

 private:
  friend class detail::FunctionCall;
  friend struct detail::FunctionState;
  explicit Context(detail::FunctionState& state, bool in_backward)
      : state_(state), in_backward_(in_backward) {}

  void save_one(const Tensor& tensor, bool constant);
  void mark_one(const Tensor& output);
  void keep_value(std::string_view name, std::shared_ptr<void> value, const std::type_info& type);
  const void* kept_value(std::string_view name, const std::type_info& type) const;
  const std::vector<Tensor>& saved_of(std::size_t count) const;
  void check_forward(const char* what) const;

  detail::FunctionState& state_;
  bool in_backward_;
  std::vector<Tensor> saved_;  // in backward
  std::vector<bool> needs_;
};

}  // namespace reel
