#pragma once

// The bridge to xtensor: tensors as xtensor expressions, and ops of one's own written in them. The
// one public header that pulls xtensor in; link xtensor to use it. Define XTENSOR_ENABLE_ASSERT
// before it to have every `a(i, j)` checked.

#include <array>
#include <exception>
#include <initializer_list>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/detail/probe.h"
#include "reel/autograd/detail/xtensor_includes.h"
#include "reel/autograd/from_blob.h"
#include "reel/autograd/tape.h"
#include "reel/autograd/tensor.h"

namespace reel {

// ---- from and to xtensor

namespace detail {

using XtensorShape = xt::dynamic_shape<std::size_t>;

inline XtensorShape xtensor_shape(const Shape& shape) { return {shape.begin(), shape.end()}; }

template <class Container>
Shape reel_shape(const Container& values) {
  return Shape(values.shape().begin(), values.shape().end());
}

REEL_API void check_row_major(const Tensor& x, std::optional<std::size_t> dims = {});

/// The elements of a row-major tensor under the compile-time layout that xtensor is fastest with.
template <class T>
auto adapt_packed(const Tensor& x) {
  return xt::adapt<xt::layout_type::row_major>(x.data_ptr<T>(), static_cast<std::size_t>(x.numel()),
                                               xt::no_ownership(), xtensor_shape(x.shape()));
}

/// The same as one dimension, which xtensor adapts several times faster.
template <class T>
auto adapt_flat(const Tensor& x) {
  const auto size = static_cast<std::size_t>(x.numel());
  return xt::adapt<xt::layout_type::row_major>(x.data_ptr<T>(), size, xt::no_ownership(),
                                               std::array<std::size_t, 1>{size});
}

/// Keeps an xtensor container alive whose elements a tensor uses.
template <class Container>
struct AdoptedContainer final : ForeignMemory {
  explicit AdoptedContainer(Container&& from) : container(std::move(from)) {}
  Container container;
};

template <class Container>
inline constexpr bool is_adoptable = false;
template <class T, xt::layout_type L, class A, class SA>
inline constexpr bool is_adoptable<xt::xarray<T, L, A, SA>> = L == xt::layout_type::row_major;
template <class T, std::size_t N, xt::layout_type L, class A>
inline constexpr bool is_adoptable<xt::xtensor<T, N, L, A>> = L == xt::layout_type::row_major;

}  // namespace detail

/// The elements of a row-major tensor as an xtensor expression, without a copy; assigning to it
/// writes to the tensor, past the tape. It does not keep the tensor alive.
///
/// Throws when `T` is not the type of the elements, and when the tensor is not row-major.
template <Number T>
auto view_as_xtensor(const Tensor& x) {
  detail::check_row_major(x);
  return detail::adapt_packed<T>(x);
}
template <Number T>
void view_as_xtensor(Tensor&& x) = delete;  // it would outlive its elements

/// The same with the number of dimensions known at compile time, which makes `a(i, j)` fast.
/// Throws also when the tensor has another.
template <Number T, std::size_t dims>
auto view_as_xtensor(const Tensor& x) {
  detail::check_row_major(x, dims);
  std::array<std::size_t, dims> shape;
  for (std::size_t d = 0; d < dims; ++d) {
    shape[d] = static_cast<std::size_t>(x.shape()[static_cast<Size>(d)]);
  }
  return xt::adapt<xt::layout_type::row_major>(x.data_ptr<T>(), static_cast<std::size_t>(x.numel()),
                                               xt::no_ownership(), shape);
}
template <Number T, std::size_t dims>
void view_as_xtensor(Tensor&& x) = delete;

/// A copy of a tensor, converted to `T`.
template <Number T>
xt::xarray<T> to_xarray(const Tensor& x) {
  const Tensor packed = x.detach().to(dtype_of<T>).contiguous();
  return xt::xarray<T>(detail::adapt_packed<T>(packed));
}

/// A tensor of the values of an xtensor expression or container, in the dtype of its values.
template <class E>
Tensor from_xtensor(const xt::xexpression<E>& expression) {
  const E& values = expression.derived_cast();
  using T = std::decay_t<typename E::value_type>;
  const Tensor out = empty(detail::reel_shape(values), {.dtype = dtype_of<T>});
  auto elements = detail::adapt_packed<T>(out);
  xt::noalias(elements) = values;
  return out;
}

/// The same for a row-major `xt::xarray` or `xt::xtensor` that is given away: nothing is copied.
template <class Container>
  requires(!std::is_reference_v<Container> && detail::is_adoptable<Container>)
Tensor from_xtensor(Container&& container) {
  using T = typename Container::value_type;
  auto owner = std::make_unique<detail::AdoptedContainer<Container>>(std::move(container));
  T* data = owner->container.data();
  const Shape shape = detail::reel_shape(owner->container);
  return detail::from_memory(data, shape, {.dtype = dtype_of<T>}, std::move(owner));
}

// ---- ops of one's own

namespace detail {
/// Asks for more than `OpInputs`, so that the `record` below is preferred to the one in tape.h.
template <class Forward, class... Tensors>
concept XtensorOpInputs = OpInputs<Forward, Tensors...> && sizeof...(Tensors) < 1000;
}  // namespace detail

/// What `record` can be told about an op.
struct RecordOptions {
  std::optional<Shape> shape =
      {};  ///< of the output; that of the inputs broadcast together unless given
};

/// A forward that works element by element; see `elementwise`.
template <class Forward>
struct Elementwise {
  Forward forward;  ///< `forward(out, x...)`, of vectors
};

/// Says that the forward of an op computes each element of the output from those at the same place
/// of the inputs. `record` then broadcasts the inputs itself and hands everything over as vectors,
/// which costs less for small tensors and several times less for broadcast ones.
template <class Forward>
Elementwise<Forward> elementwise(Forward forward) {
  return {std::move(forward)};
}

namespace detail {

/// An op's inputs, of one floating dtype and row-major, and its output to be filled.
struct OpCall {
  std::vector<Tensor> inputs;
  Tensor out;
};
REEL_API OpCall begin_op(const char* name, const std::vector<Tensor>& inputs,
                         const RecordOptions& options, bool elementwise);
[[noreturn]] REEL_API void forward_failed(const char* name, const OpCall& call, const char* what);
REEL_API void check_forward(const char* name, const OpCall& call, const std::size_t* shape,
                            std::size_t dim);

/// Turns each gradient that is needed into the dtype of its input.
REEL_API void match_dtypes(Gradients& gradients, std::initializer_list<DType> dtypes,
                           const Needs& needs);

template <class T, class Forward, std::size_t... I>
void run_forward(const char* name, const OpCall& call, const Forward& forward,
                 std::index_sequence<I...>) {
  auto out = adapt_packed<T>(call.out);
  forward(out, adapt_packed<T>(call.inputs[I])...);
  check_forward(name, call, out.shape().data(), out.dimension());
}

template <class T, class Forward, std::size_t... I>
void run_forward(const char*, const OpCall& call, const Elementwise<Forward>& op,
                 std::index_sequence<I...>) {
  auto out = adapt_flat<T>(call.out);
  op.forward(out, adapt_flat<T>(call.inputs[I])...);
}

template <class Forward>
inline constexpr bool is_elementwise = false;
template <class Forward>
inline constexpr bool is_elementwise<Elementwise<Forward>> = true;

template <class Result>
concept SeveralResults = requires { std::tuple_size<Result>::value; };

/// The gradients that a backward returned, as a list.
template <std::size_t count, class Result>
Gradients to_gradients(Result&& result) {
  using R = std::decay_t<Result>;
  if constexpr (std::is_same_v<R, Gradients>) {
    return std::forward<Result>(result);
  } else if constexpr (SeveralResults<R>) {
    static_assert(std::tuple_size_v<R> == count,
                  "the backward of a recorded op must return one gradient for each input");
    return std::apply([](auto&&... each) { return Gradients{Tensor(each)...}; }, result);
  } else {
    static_assert(
        std::is_convertible_v<R, Tensor>,
        "the backward of a recorded op must return a Tensor, or a tuple or Gradients of them");
    static_assert(count == 1,
                  "the backward of a recorded op must return one gradient for each input");
    return Gradients{std::forward<Result>(result)};
  }
}

template <class T, std::size_t>
using Repeat = T;

template <class Backward, std::size_t... I>
constexpr bool takes_tensors(std::index_sequence<I...>) {
  return std::is_invocable_v<const Backward&, const Tensor&, const Tensor&,
                             Repeat<const Tensor&, I>...>;
}

}  // namespace detail

/// Makes an op of one's own from xtensor expressions and puts it on the tape.
///
/// `forward(out, x...)` fills `out` from the inputs, all xtensor expressions of one type, float or
/// double as the inputs are (integers become float): write it once with `auto` and leave each
/// expression where it is assigned, `xt::noalias(out) = ...`. The output has the shape of the
/// inputs broadcast together unless `options` give another.
///
/// `backward(dy, y, x...)` returns the gradients of the inputs, from the gradient of the output,
/// the output and the inputs: a `Tensor` for one input, else a `std::tuple`, a `std::array` or
/// `Gradients`. It is written in tensor ops, so that it can be differentiated again; a gradient may
/// have the output's shape where an input was broadcast. Under `create_graph` a gradient that left
/// the tape throws.
///
/// Throws when shapes do not broadcast or the forward does not fit the output.
///
/// **Example**
/// ```cpp
/// Tensor softplus(const Tensor& x) {
///   return record("softplus",
///                 [](auto& out, const auto& x) { xt::noalias(out) = xt::log1p(xt::exp(x)); },
///                 [](const Tensor& dy, const Tensor&, const Tensor& x) { return dy * sigmoid(x); },
///                 x);
/// }
/// ```
template <class Forward, class Backward, std::derived_from<Tensor>... Tensors>
[[nodiscard]] Tensor record(OpName name, const Forward& forward, Backward backward,
                            const RecordOptions& options, const Tensor& x, const Tensors&... more) {
  constexpr std::size_t count = 1 + sizeof...(more);
  constexpr auto each_input = std::make_index_sequence<count>{};
  static_assert(
      detail::takes_tensors<Backward>(each_input),
      "the backward of a recorded op takes (dy, y, x...): the gradient of the output, the "
      "output, and as many tensors as the op has inputs");
  detail::OpCall call =
      detail::begin_op(name, {x, more...}, options, detail::is_elementwise<Forward>);
  try {
    with_floating(call.out.dtype(),
                  [&]<class T>(T) { detail::run_forward<T>(name, call, forward, each_input); });
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    detail::forward_failed(name, call, error.what());
  }
  if (!recording(x, more...)) return call.out;
  auto rule = [name, backward = std::move(backward), saved = std::tuple{save(x), save(more)...}](
                  const Tensor& dy, const Tensor& y, const Needs& needs) {
    return std::apply(
        [&](const auto&... input) {
          detail::Probe probe(name);
          Gradients gradients =
              detail::to_gradients<count>(backward(probe.lend(dy), y, input()...));
          probe.check(gradients, needs,
                      "write it in tensor ops, without data_ptr(), xtensor or detach(); return an "
                      "undefined tensor for zero");
          detail::match_dtypes(gradients, {input().dtype()...}, needs);
          return gradients;
        },
        saved);
  };
  return record(name, std::move(call.out), inputs(x, more...), std::move(rule));
}

/// The same without options.
template <class Forward, class Backward, class... Tensors>
  requires detail::XtensorOpInputs<Forward, Tensors...>
[[nodiscard]] Tensor record(OpName name, const Forward& forward, Backward backward, const Tensor& x,
                            const Tensors&... more) {
  return record(name, forward, std::move(backward), RecordOptions{}, x, more...);
}

}  // namespace reel
