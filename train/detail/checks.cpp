#include "reel/train/detail/checks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"

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

std::optional<Fault> fault_in(const NamedTensors& parameters) {
  for (const auto& [name, parameter] : parameters) {
    if (const auto value = first_not_finite(parameter)) return Fault{&name, *value};
  }
  return {};
}

std::vector<Tensor> all_parameters(const optim::Optimizer& optimizer) {
  std::vector<Tensor> all;
  for (Size group = 0; group < optimizer.num_groups(); ++group) {
    for (const Tensor& parameter : optimizer.parameters(group)) all.push_back(parameter);
  }
  return all;
}

NamedTensors::const_iterator find(const NamedTensors& named, const Tensor& tensor) {
  return std::find_if(named.begin(), named.end(),
                      [&](const auto& entry) { return entry.second.is_same(tensor); });
}

/// Whether the numbers along dimension 1 are in [0, 1] and add up to 1.
bool are_probabilities(const Tensor& x) {
  if (x.dim() < 2 || x.numel() == 0 || x.size(1) < 2) return false;
  const NoGradGuard no_grad;
  const Tensor rows = x.to(float64);
  return rows.min().item() >= 0 && rows.max().item() <= 1 &&
         (rows.sum(1) - 1).abs().max().item() <= 1e-3;
}

}  // namespace

std::optional<double> first_not_finite(const Tensor& x, const Sampling& sampling) {
  const NoGradGuard no_grad;
  const bool dense = reel::detail::is_dense(x.shape(), x.strides());
  const Tensor values = dense ? x : x.contiguous();
  return with_floating(values.dtype(), [&]<class T>(T) -> std::optional<double> {
    const T* first = values.data_ptr<T>();
    if (!any_not_finite(first, values.numel(), sampling)) return {};
    return static_cast<double>(*std::find_if(first, first + values.numel(), is_not_finite<T>));
  });
}

NamedTensors trained_parameters(const optim::Optimizer& optimizer, const NamedTensors& model) {
  NamedTensors trained;
  for (const Tensor& parameter : all_parameters(optimizer)) {
    const auto named = find(model, parameter);
    trained.emplace_back(named != model.end()
                             ? named->first
                             : fmt::format("parameter of shape {}", parameter.shape()),
                         parameter);
  }
  return trained;
}

std::vector<std::string> check_optimizer(const optim::Optimizer& optimizer,
                                         const NamedTensors& model) {
  if (model.empty()) return {};
  const std::vector<Tensor> held = all_parameters(optimizer);
  const auto is_foreign = [&](const Tensor& p) { return find(model, p) == model.end(); };
  const auto is_left_out = [&](const auto& entry) {
    const auto is_it = [&](const Tensor& p) { return p.is_same(entry.second); };
    return entry.second.requires_grad() && std::none_of(held.begin(), held.end(), is_it);
  };
  const auto foreign = std::count_if(held.begin(), held.end(), is_foreign);
  check(foreign < std::ssize(held), "fit",
        "expected an optimizer of the model's parameters, got one that holds none of them\n"
        "help: make it from this very model, as in optim::Adam{{nn::parameters(model)}}; a clone, "
        "and a model made anew, has parameters of its own");

  std::vector<std::string> warnings;
  if (const auto left = std::find_if(model.begin(), model.end(), is_left_out);
      left != model.end()) {
    warnings.push_back(fmt::format(
        "[fit] the optimizer holds {} of the model's {} parameters; the others stay as they are, "
        "\"{}\" the first of them\n"
        "help: give it nn::parameters(model), or freeze the others by nn::requires_grad_(layer, "
        "false)",
        std::ssize(held) - foreign, model.size(), left->first));
  }
  if (foreign > 0) {
    warnings.push_back(fmt::format(
        "[fit] the optimizer holds {} parameter{} none of the model's, of shape {}{}\n"
        "help: nn::parameters(model) finds all that the model trains; a clone has parameters of "
        "its own",
        foreign, foreign == 1 ? " that is" : "s that are",
        std::find_if(held.begin(), held.end(), is_foreign)->shape(),
        foreign == 1 ? "" : " the first of them"));
  }
  return warnings;
}

void check_gradients(const NamedTensors& trained, Size step, Size epoch) {
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

void check_parameters(const NamedTensors& trained, Size epoch) {
  const auto fault = fault_in(trained);
  if (!fault) return;
  fail("fit",
       "expected finite parameters after epoch {}, got {} in \"{}\": a gradient was not finite{}",
       epoch, fault->value, *fault->name, singular_help);
}

void check_loss(double loss, const NamedTensors& trained, Size step, Size epoch) {
  if (std::isfinite(loss)) return;
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

void check_outputs(const char* op, const Loss& loss, const Tensor& outputs, const Tensor& targets) {
  if (loss.takes() == Loss::Takes::anything) return;
  const std::string unless_given =
      loss.is_default() ? fmt::format(", which is {}'s loss unless another is given,", op) : ",";
  const bool one = outputs.dim() == 1 || (outputs.dim() > 1 && outputs.size(1) == 1);
  check(
      !one, op,
      "expected an output for each class, two at least, for cross-entropy{} got outputs of shape {}\n"
      "help: for numbers write .loss = nn::MSELoss{{}}; for yes or no, with float targets 0 and 1 "
      "in the shape of the outputs, .loss = nn::BCEWithLogitsLoss{{}}",
      unless_given, outputs.shape());
  const bool numbers = loss.is_default() && targets.is_floating_point() &&
                       targets.shape() == outputs.shape() && !are_probabilities(targets);
  check(!numbers, op,
        "expected classes or rows of probabilities as targets of cross-entropy{} got {} targets of "
        "shape {} that are neither\n"
        "help: for numbers write .loss = nn::MSELoss{{}}; for several times yes or no "
        ".loss = nn::BCEWithLogitsLoss{{}}; where it is meant .loss = nn::CrossEntropyLoss{{}}",
        unless_given, targets.dtype(), targets.shape());
}

std::string suspicion(const char* op, const Loss& loss, const Tensor& outputs) {
  if (outputs.dim() != 2 || outputs.numel() == 0) return "";
  if (loss.takes() == Loss::Takes::logits && are_probabilities(outputs)) {
    return fmt::format(
        "[{}] the model's outputs are probabilities (each row is in [0, 1] and adds up to 1), but "
        "the loss takes logits: it will apply softmax a second time{}\n"
        "help: drop the model's last Softmax, or use nn::CrossEntropyLoss{{.from_logits = false}}",
        op, op == std::string_view("fit") ? " and learn slowly" : "");
  }
  if (loss.takes() == Loss::Takes::probabilities && !are_probabilities(outputs)) {
    return fmt::format(
        "[{}] the loss takes probabilities, but the model's outputs are none (some row is not in "
        "[0, 1] or does not add up to 1)\n"
        "help: end the model with Softmax, or use nn::CrossEntropyLoss{{}}, which takes logits",
        op);
  }
  if (loss.takes() == Loss::Takes::log_probabilities && outputs.detach().max().item() > 1e-3) {
    return fmt::format(
        "[{}] the loss takes logarithms of probabilities, but some outputs are above 0\n"
        "help: end the model with LogSoftmax, or use nn::CrossEntropyLoss{{}}, which takes logits",
        op);
  }
  return "";
}

}  // namespace reel::train::detail
