#pragma once

// Internal: one call of a `Function`, and what it may look like, checked at compile time. The
// sentences of what does not compile are tested in tests/compile/.

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/context.h"
#include "reel/autograd/op_name.h"
#include "reel/autograd/tape.h"
#include "reel/autograd/tensor.h"

namespace reel::detail {

// ---- names

template <class F>
consteval std::string_view name_of_function() {
  if constexpr (requires {
                  { F::name } -> std::convertible_to<std::string_view>;
                }) {
    return F::name;
  } else {
    std::string_view text = __PRETTY_FUNCTION__;
    text.remove_prefix(text.find("F = ") + 4);
    text = text.substr(0, text.find_first_of(";]<"));
    return text.substr(text.rfind(':') + 1);
  }
}

// ---- what forward takes and returns

/// What `forward` and `backward` take behind the context, and return.
template <class F>
struct FunctionSignature;
template <class R, class... Args>
struct FunctionSignature<R (*)(Context&, Args...)> {
  using Result = R;
  using Arguments = std::tuple<Args...>;
};
template <class R, class... Args>
struct FunctionSignature<R (*)(Context&, Args...) noexcept>
    : FunctionSignature<R (*)(Context&, Args...)> {};

template <class F>
concept HasForward = requires { typename FunctionSignature<decltype(&F::forward)>::Result; };
template <class F>
concept HasBackward = requires { typename FunctionSignature<decltype(&F::backward)>::Result; };

template <class T>
inline constexpr bool is_tensor = std::derived_from<std::remove_cvref_t<T>, Tensor>;

/// How many tensors `forward` returns; `any_number` for a vector, `not_tensors` for anything else.
inline constexpr std::size_t any_number = static_cast<std::size_t>(-1);
inline constexpr std::size_t not_tensors = static_cast<std::size_t>(-2);
template <class R>
inline constexpr std::size_t output_count = is_tensor<R> ? 1 : not_tensors;
template <>
inline constexpr std::size_t output_count<std::vector<Tensor>> = any_number;
template <class... T>
inline constexpr std::size_t output_count<std::tuple<T...>> = (is_tensor<T> && ...) &&
                                                                      sizeof...(T) > 0
                                                                  ? sizeof...(T)
                                                                  : not_tensors;
template <class A, class B>
inline constexpr std::size_t output_count<std::pair<A, B>> = output_count<std::tuple<A, B>>;
template <class T, std::size_t n>
inline constexpr std::size_t output_count<std::array<T, n>> = is_tensor<T> ? n : not_tensors;

/// Whether `backward` takes a tensor for each of `count` outputs.
template <class Arguments>
inline constexpr bool all_tensors = false;
template <class... Args>
inline constexpr bool all_tensors<std::tuple<Args...>> =
    (std::is_same_v<std::remove_cvref_t<Args>, Tensor> && ...);
template <class Arguments>
inline constexpr bool one_list = false;
template <class Arg>
inline constexpr bool one_list<std::tuple<Arg>> =
    std::is_same_v<std::remove_cvref_t<Arg>, std::vector<Tensor>>;

template <class F, class... Args>
inline constexpr bool takes_arguments =
    std::is_invocable_v<decltype(&F::forward), Context&, Args...>;

/// The tensors of one argument.
template <class Parameter, class Arg>
void collect_tensors(const Arg& arg, std::vector<Tensor>& tensors) {
  using Plain = std::remove_cvref_t<Parameter>;
  if constexpr (is_tensor<Plain>) {
    const Plain& tensor = arg;
    tensors.push_back(tensor);
  } else if constexpr (std::is_same_v<Plain, std::optional<Tensor>>) {
    const std::optional<Tensor>& tensor = arg;
    tensors.push_back(tensor.value_or(Tensor()));
  } else if constexpr (std::is_same_v<Plain, std::vector<Tensor>>) {
    const std::vector<Tensor>& list = arg;
    tensors.insert(tensors.end(), list.begin(), list.end());
  }
}

// ---- a call

using FunctionBackward = std::vector<Tensor> (*)(Context& context, const std::vector<Tensor>& dy);

/// One call: made with the tensor arguments, then `forward` is run with its context, then what that
/// returned is recorded.
class REEL_API FunctionCall {
 public:
  FunctionCall(OpName name, std::vector<Tensor> arguments);
  ~FunctionCall();
  FunctionCall(const FunctionCall&) = delete;
  FunctionCall& operator=(const FunctionCall&) = delete;

  Context& context() { return context_; }
  /// Puts the outputs on the tape.
  void record(std::vector<Tensor>& outputs, FunctionBackward backward, bool once_differentiable);

 private:
  std::vector<Tensor> arguments_;
  std::shared_ptr<FunctionState> state_;
  Context context_;
};

/// `backward`, whatever it takes and returns.
template <class F>
std::vector<Tensor> run_backward(Context& context, const std::vector<Tensor>& dy) {
  using Arguments = typename FunctionSignature<decltype(&F::backward)>::Arguments;
  const auto to_list = [](auto&& result) {
    if constexpr (is_tensor<decltype(result)>)
      return std::vector<Tensor>{std::move(result)};
    else
      return std::vector<Tensor>(std::move(result));
  };
  if constexpr (one_list<Arguments>) {
    return to_list(F::backward(context, dy));
  } else {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return to_list(F::backward(context, dy[I]...));
    }(std::make_index_sequence<std::tuple_size_v<Arguments>>());
  }
}

template <class F>
consteval bool check_function() {
  static_assert(HasForward<F>,
                "Reel: a Function has one forward, which is given a context first: static Tensor "
                "forward(Context& context, const Tensor& x) { ... }");
  static_assert(HasBackward<F>,
                "Reel: a Function has one backward, which is given a context first: static "
                "Gradients backward(Context& context, const Tensor& dy) { ... }");
  if constexpr (HasForward<F> && HasBackward<F>) {
    constexpr std::size_t count =
        output_count<typename FunctionSignature<decltype(&F::forward)>::Result>;
    using Backward = FunctionSignature<decltype(&F::backward)>;
    static_assert(count != not_tensors,
                  "Reel: forward of a Function returns a Tensor, or a std::tuple, std::array or "
                  "std::vector of them");
    constexpr bool takes_each = all_tensors<typename Backward::Arguments> &&
                                std::tuple_size_v<typename Backward::Arguments> == count;
    constexpr bool takes = takes_each || one_list<typename Backward::Arguments>;
    static_assert(
        takes || count == not_tensors,
        "Reel: backward of a Function takes, behind the context, a const Tensor& for each "
        "tensor that forward returns, or all of them as a const Gradients&");
    constexpr bool returns = is_tensor<typename Backward::Result> ||
                             std::is_convertible_v<typename Backward::Result, std::vector<Tensor>>;
    static_assert(returns,
                  "Reel: backward of a Function returns Gradients, one for each tensor argument of "
                  "forward, or a Tensor where there is one");
    return count != not_tensors && takes && returns;
  }
  return false;
}

template <class F>
consteval bool once_differentiable() {
  if constexpr (requires { F::once_differentiable; })
    return F::once_differentiable;
  else
    return false;
}

template <class Result>
std::vector<Tensor> outputs_to_list(Result&& result) {
  using R = std::remove_cvref_t<Result>;
  if constexpr (is_tensor<R>)
    return {std::forward<Result>(result)};
  else if constexpr (output_count<R> == any_number)
    return std::forward<Result>(result);
  else
    return std::apply([](auto&&... each) { return std::vector<Tensor>{Tensor(each)...}; }, result);
}

template <class Result>
Result outputs_from_list(std::vector<Tensor>&& list) {
  if constexpr (is_tensor<Result>)
    return std::move(list[0]);
  else if constexpr (output_count<Result> == any_number)
    return std::move(list);
  else
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return Result{std::move(list[I])...};
    }(std::make_index_sequence<output_count<Result>>());
}

template <class F, class... Args>
auto apply_function(Args&&... args) {
  if constexpr (check_function<F>()) {
    static_assert(takes_arguments<F, Args...>,
                  "Reel: apply of a Function takes what its forward takes behind the context");
    if constexpr (takes_arguments<F, Args...>) {
      using Forward = FunctionSignature<decltype(&F::forward)>;
      using Result = std::remove_cvref_t<typename Forward::Result>;
      static const OpName name{std::string(name_of_function<F>())};
      std::vector<Tensor> arguments;
      [&]<class... Parameters>(std::tuple<Parameters...>*) {
        (collect_tensors<Parameters>(args, arguments), ...);
      }(static_cast<typename Forward::Arguments*>(nullptr));
      FunctionCall call(name, std::move(arguments));
      std::vector<Tensor> outputs;
      {
        const NoGradGuard no_grad;
        outputs = outputs_to_list(F::forward(call.context(), std::forward<Args>(args)...));
      }
      call.record(outputs, run_backward<F>, once_differentiable<F>());
      return outputs_from_list<Result>(std::move(outputs));
    }
  }
}

}  // namespace reel::detail
