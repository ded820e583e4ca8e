#include "reel/train/checks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "reel/autograd/detail/plain_nan.h"
#include "reel/autograd/fail.h"
#include "reel/autograd/tape.h"

namespace reel::train::detail {
namespace {

constexpr const char* singular_help =
    "\nhelp: sqrt, norm, log and division have no finite gradient at 0: add a small number there";

template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

/// Negative for infinities and NaN, without a branch: loops over it become vector instructions.
template <class T>
BitsOf<T> sign_of_fault(T x) {
  constexpr auto infinity = std::bit_cast<BitsOf<T>>(std::numeric_limits<T>::infinity());
  return infinity - 1 - (std::bit_cast<BitsOf<T>>(x) & std::numeric_limits<BitsOf<T>>::max());
}

template <class T>
bool is_not_finite(T x) {
  return sign_of_fault(x) < 0;
}

template <class T>
bool any_not_finite(const T* x, Size n, const Sampling& sampling) {
  constexpr Size line = 64 / sizeof(T);
  const Size whole = n - n % line;
  BitsOf<T> signs[line] = {};
  for (Size begin = sampling.turn % sampling.every * line; begin < whole;
       begin += sampling.every * line) {
    for (Size i = 0; i < line; ++i) signs[i] |= sign_of_fault(x[begin + i]);
  }
  return std::any_of(signs, signs + line, [](auto sign) { return sign < 0; }) ||
         std::any_of(x + whole, x + n, is_not_finite<T>);
}

struct Fault {
  const std::string* name;
  double value;
};

std::optional<Fault> fault_in(const nn::NamedTensors& parameters) {
  for (const auto& [name, parameter] : parameters) {
    if (const auto value = first_not_finite(parameter)) return Fault{&name, *value};
  }
  return {};
}

}  // namespace

std::optional<double> first_not_finite(const Tensor& x, const Sampling& sampling) {
  const NoGradGuard no_grad;
  const bool dense = reel::detail::is_dense(x.shape(), x.strides());
  const Tensor values = dense ? x : x.contiguous();
  return with_floating(values.dtype(), [&]<class T>(T) -> std::optional<double> {
    const T* first = values.data_ptr<T>();
    if (!any_not_finite(first, values.numel(), sampling)) return {};
    return reel::detail::plain_nan(
        static_cast<double>(*std::find_if(first, first + values.numel(), is_not_finite<T>)));
  });
}

nn::NamedTensors trained_parameters(const optim::Optimizer& optimizer,
                                    const nn::NamedTensors& model) {
  nn::NamedTensors trained;
  for (Size group = 0; group < optimizer.num_groups(); ++group) {
    for (const Tensor& parameter : optimizer.parameters(group)) {
      const auto named = std::find_if(model.begin(), model.end(), [&](const auto& entry) {
        return entry.second.is_same(parameter);
      });
      trained.emplace_back(named != model.end()
                               ? named->first
                               : fmt::format("parameter of shape {}", parameter.shape()),
                           parameter);
    }
  }
  return trained;
}

void check_gradients(const nn::NamedTensors& trained, Size step, Size epoch) {
  constexpr Size long_from = 8192;
  for (const auto& [name, parameter] : trained) {
    const Tensor gradient = parameter.grad();
    if (!gradient.defined()) continue;
    const Sampling sampling{.every = gradient.numel() < long_from ? 1 : 16, .turn = step - 1};
    const auto value = first_not_finite(gradient, sampling);
    check(!value.has_value(), "fit",
          "expected finite gradients, got {} in that of \"{}\" in step {} of epoch {}; the "
          "parameters are those before it{}",
          value.value_or(0), name, step, epoch, singular_help);
  }
}

void check_parameters(const nn::NamedTensors& trained, Size epoch) {
  const auto fault = fault_in(trained);
  if (!fault) return;
  fail("fit",
       "expected finite parameters after epoch {}, got {} in \"{}\": a gradient was not finite{}",
       epoch, fault->value, *fault->name, singular_help);
}

void check_loss(double loss, const nn::NamedTensors& trained, Size step, Size epoch) {
  if (std::isfinite(loss)) return;
  loss = reel::detail::plain_nan(loss);
  if (const auto fault = fault_in(trained)) {
    fail("fit",
         "expected a finite loss, got {} in step {} of epoch {}; \"{}\" holds {}: a gradient "
         "before was not finite{}",
         loss, step, epoch, *fault->name, fault->value, singular_help);
  }
  fail("fit",
       "expected a finite loss, got {} in step {} of epoch {}; the parameters are those before it\n"
       "help: a smaller learning rate often helps; inputs should be finite and of size about 1",
       loss, step, epoch);
}

}  // namespace reel::train::detail
