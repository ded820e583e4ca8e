#include "reel/ops/pointwise/fuse.h"
#include "reel/base/detail/broadcast.h"

#include <array>
#include <cmath>
#include <optional>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/base/fail.h"
#include "reel/kernels/pointwise_rows.h"
#include "reel/kernels/program.h"
#include "reel/ops/create/create.h"
#include "reel/ops/pointwise/pow_of_number.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/promote.h"

namespace reel {

using kernels::Binary;
using kernels::Program;
using kernels::Slope;
using kernels::Unary;
namespace rows = kernels::rows;

namespace detail {

/// A program in the making.
class Trace {
 public:
  explicit Trace(int inputs) : program(inputs) {}
  /// Goes on where another program ends.
  explicit Trace(Program start) : program(std::move(start)) {}

  Element element(Program::Value value) { return Element(*this, value); }

  /// The number of an element's value in this program.
  Program::Value value(const Element& x) {
    if (x.trace_ == nullptr) return program.number(x.number_);
    check(x.trace_ == this, "fuse", "expected elements of one call, got one of another");
    return x.value_;
  }

  static Trace* of(const Element& x) { return x.trace_; }
  static double number(const Element& x) { return x.number_; }

  static Element apply(Unary op, const Element& x, const Program::Params& params = {}) {
    Trace& trace = holding(x, x);
    return trace.element(trace.program.apply(op, trace.value(x), params));
  }
  static Element apply(Binary op, const Element& a, const Element& b) {
    Trace& trace = holding(a, b);
    const Program::Value left = trace.value(a), right = trace.value(b);
    return trace.element(trace.program.apply(op, left, right));
  }
  static Element apply(Slope op, const Element& dy, const Element& saved,
                       const Program::Params& params) {
    Trace& trace = holding(dy, saved);
    const Program::Value left = trace.value(dy), right = trace.value(saved);
    return trace.element(trace.program.apply(op, left, right, params));
  }
  static Element apply(Slope op, const Element& dy, const Element& first, const Element& second,
                       const Program::Params& params) {
    Trace& trace = holding(dy, first);
    const Program::Value of[] = {trace.value(dy), trace.value(first), trace.value(second)};
    return trace.element(trace.program.apply(op, of[0], of[1], of[2], params));
  }

  Program program;

 private:
  static Trace& holding(const Element& a, const Element& b) {
    Trace* trace = a.trace_ != nullptr ? a.trace_ : b.trace_;
    check(trace != nullptr, "fuse",
          "expected a function of its arguments, got one of numbers only");
    return *trace;
  }
};

}  // namespace detail

namespace {

using detail::Trace;

/// Two numbers are folded at once; else a step of the program.
template <class Fold>
Element arithmetic(Binary op, const Element& a, const Element& b, Fold fold) {
  if (Trace::of(a) == nullptr && Trace::of(b) == nullptr)
    return fold(Trace::number(a), Trace::number(b));
  return Trace::apply(op, a, b);
}

/// The gradient of one step by its derivative, of dy and (x, y), or (a, b).
template <class Derivative>
Element follow(const Element& dy, const Element& first, const Element& second,
               const Program::Params& params) {
  constexpr rows::Probe needs = rows::needs_of<Derivative>;
  if constexpr (needs.first && needs.second) {
    return Trace::apply(Derivative::code, dy, first, second, params);
  } else if constexpr (needs.first || needs.second) {
    return Trace::apply(Derivative::code, dy, needs.first ? first : second, params);
  } else {
    return Derivative::of(dy, dy, dy);
  }
}

using Follow = Element (*)(const Element&, const Element&, const Element&, const Program::Params&);

constexpr std::array<Follow, static_cast<std::size_t>(Slope::count)> follows = [] {
  std::array<Follow, static_cast<std::size_t>(Slope::count)> all{};
  rows::for_each_derivative([&]<class Derivative>(Derivative) {
    all[static_cast<std::size_t>(Derivative::code)] = follow<Derivative>;
  });
  return all;
}();

/// The slopes of a step's operands, in the order of the rows: one for each function of one tensor,
/// then two for each of two.
Follow slope_of(const Program::Instruction& step, std::size_t operand) {
  const auto op = static_cast<std::size_t>(step.op);
  const auto unary = static_cast<std::size_t>(Unary::count);
  return follows[step.kind == Program::Kind::unary ? op : unary + 2 * op + operand];
}

/// The gradients of one step's operands.
struct Derivatives {
  std::optional<Element> of[2];
};

Derivatives derive_unary(const Program::Instruction& step, const Element& dy, const Element& x,
                         const Element& y) {
  return {slope_of(step, 0)(dy, x, y, step.params), std::nullopt};
}

Derivatives derive_binary(const Program::Instruction& step, const Element& dy, const Element& a,
                          const Element& b) {
  // Of a power, as of tensors, the cheaper way for a number.
  if (static_cast<Binary>(step.op) == Binary::pow && Trace::of(b) == nullptr) {
    const double exponent = Trace::number(b);
    // A constant, at 0 and at infinity too: zero whatever comes in.
    if (exponent == 0) return {zeros_like(dy), std::nullopt};
    return {dy * (exponent * pow(a, exponent - 1)), std::nullopt};
  }
  const auto of = [&](std::size_t operand, const Element& x) -> std::optional<Element> {
    if (Trace::of(x) == nullptr) return std::nullopt;
    return slope_of(step, operand)(dy, a, b, step.params);
  };
  return {of(0, a), of(1, b)};
}

/// A chain and where its result stands.
struct Chain {
  Program program;
  Program::Value result;
};

/// The gradients of a chain's inputs; its own inputs are those of the chain, then the result, then
/// its gradient.
struct Gradient {
  Program program;
  std::vector<Program::Value> of;  // every input of the chain; `none` where it has no influence
};

Gradient differentiate(const Chain& chain) {
  const Program& forward = chain.program;
  const int n = forward.inputs();
  Trace trace(n + 2);
  // The chain once more, two numbers further on; what backward does not need is never computed.
  std::vector<Element> values;
  for (int i = 0; i < n; ++i) values.push_back(trace.element(i));
  auto value = [&](Program::Value v) { return values[static_cast<std::size_t>(v)]; };
  for (const Program::Instruction& step : forward.instructions()) {
    if (step.kind == Program::Kind::number) {
      values.emplace_back(step.params[0]);
    } else if (step.kind == Program::Kind::unary) {
      values.push_back(Trace::apply(static_cast<Unary>(step.op), value(step.from[0]), step.params));
    } else {
      values.push_back(
          Trace::apply(static_cast<Binary>(step.op), value(step.from[0]), value(step.from[1])));
    }
  }
  if (!forward.is_input(chain.result))
    values[static_cast<std::size_t>(chain.result)] = trace.element(n);

  std::vector<std::optional<Element>> gradients(values.size());
  auto add = [&](Program::Value to, const std::optional<Element>& gradient) {
    if (to == Program::none || !gradient) return;
    auto& sum = gradients[static_cast<std::size_t>(to)];
    sum = sum ? *sum + *gradient : *gradient;
  };
  add(chain.result, trace.element(n + 1));
  for (Program::Value v = chain.result; v >= n; --v) {
    const auto& dy = gradients[static_cast<std::size_t>(v)];
    const Program::Instruction& step = forward.made_by(v);
    if (!dy || step.kind == Program::Kind::number) continue;
    const Element from = value(step.from[0]);
    const Derivatives d = step.kind == Program::Kind::unary
                              ? derive_unary(step, *dy, from, value(v))
                              : derive_binary(step, *dy, from, value(step.from[1]));
    add(step.from[0], d.of[0]);
    add(step.from[1], d.of[1]);
  }
  Gradient result{Program(0), {}};
  for (int i = 0; i < n; ++i) {
    const auto& gradient = gradients[static_cast<std::size_t>(i)];
    result.of.push_back(gradient ? trace.value(*gradient) : Program::none);
  }
  result.program = std::move(trace.program);
  return result;
}

// ---- from tensors to programs

// Below this many elements following the chain costs more than the passes over memory that it
// saves.
constexpr Size least_elements = 8192;

/// Whether `shape` is the end of `whole`, so that its elements repeat.
bool repeats_in(const Shape& shape, const Shape& whole) {
  const Size missing = whole.size() - shape.size();
  Size first = 0;
  while (first < shape.size() && shape[first] == 1) ++first;
  for (Size d = first; d < shape.size(); ++d) {
    if (shape[d] != whole[missing + d]) return false;
  }
  return true;
}

/// Tensors as inputs of a program over `shape`, whose elements lie as `strides` say.
class Operands {
 public:
  Operands(const Shape& shape, const Strides& strides) : shape_(shape), strides_(strides) {}

  void add(const Tensor& x) {
    if (x.numel() == 1) {
      inputs_.push_back({detail::readable(x), 1});
    } else if (x.shape() == shape_ && x.strides() == strides_) {
      inputs_.push_back({detail::readable(x), shape_.numel()});
    } else if (row_major() && repeats_in(x.shape(), shape_)) {
      const Tensor row = contiguous(x);
      kept_.push_back(row);
      inputs_.push_back({detail::readable(row), row.numel()});
    } else {
      const Tensor copy = detail::empty_strided(shape_, strides_, x.dtype());
      copy.copy_(x);
      kept_.push_back(copy);
      inputs_.push_back({detail::readable(copy), shape_.numel()});
    }
  }
  const std::vector<kernels::ProgramInput>& list() const { return inputs_; }

 private:
  bool row_major() const { return strides_ == detail::contiguous_strides(shape_); }

  Shape shape_;
  Strides strides_;
  std::vector<kernels::ProgramInput> inputs_;
  std::vector<Tensor> kept_;
};

Shape broadcast_shape(const std::vector<Tensor>& tensors) {
  Shape shape;
  for (const Tensor& x : tensors) shape = detail::broadcast_shapes("fuse", shape, x.shape());
  return shape;
}

/// The order in memory of the result: that of the first input of its shape without gaps.
Strides layout_of(const std::vector<Tensor>& inputs, const Shape& shape) {
  for (const Tensor& x : inputs) {
    if (x.shape() == shape && detail::is_dense(x.shape(), x.strides())) return x.strides();
  }
  return detail::contiguous_strides(shape);
}

Tensor run_forward(const Chain& chain, const std::vector<Tensor>& tensors) {
  const NoGradGuard no_grad;
  const Shape shape = broadcast_shape(tensors);
  const Tensor out =
      detail::empty_strided(shape, layout_of(tensors, shape), tensors.front().dtype());
  Operands inputs(shape, out.strides());
  for (const Tensor& x : tensors) inputs.add(x);
  kernels::run_program(chain.program, inputs.list(), {{chain.result, detail::writable(out)}});
  return out;
}

Gradients run_backward(const Chain& chain, const std::vector<Tensor>& tensors, const Tensor& y,
                       const Tensor& dy, const Needs& needs) {
  const NoGradGuard no_grad;
  const Gradient gradient = differentiate(chain);
  Operands inputs(y.shape(), y.strides());
  for (const Tensor& x : tensors) inputs.add(x);
  inputs.add(y);
  inputs.add(dy);
  Gradients results(tensors.size());
  std::vector<kernels::ProgramOutput> outputs;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!needs[i] || gradient.of[i] == Program::none) continue;
    results[i] = detail::empty_strided(y.shape(), y.strides(), y.dtype());
    outputs.push_back({gradient.of[i], detail::writable(results[i])});
  }
  kernels::run_program(gradient.program, inputs.list(), outputs);
  return results;
}

}  // namespace

namespace {

/// The dtype of all that are not numbers, which adapt; none where there are several.
std::optional<DType> common_dtype(const std::vector<Tensor>& inputs) {
  std::optional<DType> dtype;
  for (const Tensor& x : inputs) {
    if (x.impl().is_number) continue;
    if (dtype && *dtype != x.dtype()) return {};
    dtype = x.dtype();
  }
  return dtype;
}

}  // namespace

bool detail::worth_fusing(const std::vector<Tensor>& inputs) {
  if (any_batched(inputs)) return false;  // the ops have rules for those
  if (broadcast_shape(inputs).numel() < least_elements) return false;
  const std::optional<DType> dtype = common_dtype(inputs);
  return dtype && is_floating(*dtype);
}

Tensor detail::run_fused(const std::vector<Tensor>& inputs, const FusedOnElements& on_elements,
                         const FusedOnTensors& on_tensors) {
  const OpScope scope("fused");
  std::vector<Tensor> tensors = inputs;
  for (Tensor& x : tensors) {
    if (x.impl().is_number) x = x.to(*common_dtype(inputs));
  }
  Trace trace(static_cast<int>(tensors.size()));
  std::vector<Element> elements;
  for (int i = 0; i < static_cast<int>(tensors.size()); ++i) elements.push_back(trace.element(i));
  const Program::Value result = trace.value(on_elements(elements));
  const auto chain = std::make_shared<const Chain>(Chain{std::move(trace.program), result});
  Tensor out = run_forward(*chain, tensors);
  if (!grad_enabled() || !any_requires_grad(tensors)) return out;

  std::vector<Saved> saved;
  for (const Tensor& x : tensors) saved.push_back(save(x));
  return record("fused", std::move(out), Inputs{tensors},
                [chain, saved = std::move(saved), on_tensors](const Tensor& dy, const Tensor& y,
                                                              const Needs& needs) -> Gradients {
                  const std::vector<Tensor> xs(saved.begin(), saved.end());
                  if (!grad_enabled()) return run_backward(*chain, xs, y, dy, needs);
                  // The backward is recorded too: by the ops themselves.
                  std::vector<Tensor> wanted;
                  for (std::size_t i = 0; i < xs.size(); ++i)
                    if (needs[i]) wanted.push_back(xs[i]);
                  std::vector<Tensor> got = grad(std::vector<Tensor>{on_tensors(xs)}, wanted,
                                                 {.grad_outputs = {dy}, .create_graph = true});
                  Gradients gradients(xs.size());
                  for (std::size_t i = 0, k = 0; i < xs.size(); ++i)
                    if (needs[i]) gradients[i] = got[k++];
                  return gradients;
                });
}

// ---- what elements know

Element operator+(const Element& a, const Element& b) {
  return arithmetic(Binary::add, a, b, std::plus<>());
}
Element operator-(const Element& a, const Element& b) {
  return arithmetic(Binary::sub, a, b, std::minus<>());
}
Element operator*(const Element& a, const Element& b) {
  return arithmetic(Binary::mul, a, b, std::multiplies<>());
}
Element operator/(const Element& a, const Element& b) {
  return arithmetic(Binary::div, a, b, std::divides<>());
}
Element operator-(const Element& x) { return neg(x); }

#define REEL_UNARY(name, ...) \
  Element name(const Element& x) { return Trace::apply(Unary::name, x); }
#define REEL_BINARY(name, ...) \
  Element name(const Element& a, const Element& b) { return Trace::apply(Binary::name, a, b); }
#include "reel/kernels/pointwise_rows.inc"

Element div(const Element& a, const Element& b, const DivOptions& options) {
  if (options.rounding_mode == "none") return a / b;
  if (options.rounding_mode == "floor") return floor_divide(a, b);
  check(options.rounding_mode == "trunc", "div",
        "expected .rounding_mode to be \"none\", \"trunc\" or \"floor\", got \"{}\"",
        options.rounding_mode);
  return Trace::apply(Binary::trunc_divide, a, b);
}
Element floor_divide(const Element& a, const Element& b) {
  return Trace::apply(Binary::floor_divide, a, b);
}
Element fmod(const Element& a, const Element& b) { return Trace::apply(Binary::fmod, a, b); }
Element remainder(const Element& a, const Element& b) {
  return Trace::apply(Binary::remainder, a, b);
}
Element pow(const Element& x, const Element& exponent) {
  if (Trace::of(exponent) == nullptr) {
    if (const auto cheaper = detail::pow_of_number(x, Trace::number(exponent))) return *cheaper;
  }
  return Trace::apply(Binary::pow, x, exponent);
}
Element clamp(const Element& x, std::optional<double> min, std::optional<double> max) {
  check(min || max, "clamp", "expected min or max or both, got neither");
  return Trace::apply(Unary::clamp, x, {min.value_or(-HUGE_VAL), max.value_or(HUGE_VAL)});
}
Element polygamma(Size n, const Element& x) {
  check(n >= 0, "polygamma", "expected an n of 0 or more, got {}", n);
  return Trace::apply(Unary::polygamma, x, {static_cast<double>(n)});
}
Element logit(const Element& x, std::optional<double> eps) {
  if (eps) detail::check_between("logit", "eps", *eps, 0, 0.5);
  return Trace::apply(Unary::logit, x, {eps.value_or(-1)});
}
Element nan_to_num(const Element& x, const NanToNumOptions& options) {
  check(options.posinf && options.neginf, "nan_to_num",
        "expected .posinf and .neginf of the elements of fuse, got none");
  return Trace::apply(Unary::nan_to_num, x, {options.nan, *options.posinf, *options.neginf});
}
Element relu(const Element& x) { return Trace::apply(Unary::relu, x); }
Element leaky_relu(const Element& x, double negative_slope) {
  return Trace::apply(Unary::leaky_relu, x, {negative_slope, 0});
}
Element gelu(const Element& x, const GELUOptions& options) {
  const bool by_tanh = options.approximate == "tanh";
  check(by_tanh || options.approximate == "none", "gelu",
        "expected .approximate to be \"none\" or \"tanh\", got \"{}\"", options.approximate);
  return Trace::apply(by_tanh ? Unary::gelu_tanh : Unary::gelu, x);
}
Element softplus(const Element& x, double beta, double threshold) {
  check(beta > 0, "softplus", "expected a positive beta, got {}", beta);
  return Trace::apply(Unary::softplus, x, {beta, threshold});
}
Element elu(const Element& x, double alpha) { return Trace::apply(Unary::elu, x, {alpha, 0}); }
Element celu(const Element& x, double alpha) { return Trace::apply(Unary::celu, x, {alpha}); }
Element hardtanh(const Element& x, double min_val, double max_val) {
  return Trace::apply(Unary::hardtanh, x, {min_val, max_val});
}
Element threshold(const Element& x, double threshold, double value) {
  return Trace::apply(Unary::threshold, x, {threshold, value});
}
Element softshrink(const Element& x, double lambd) {
  return Trace::apply(Unary::softshrink, x, {lambd});
}
Element hardshrink(const Element& x, double lambd) {
  return Trace::apply(Unary::hardshrink, x, {lambd});
}
Element prelu(const Element& x, const Element& weight) {
  return Trace::apply(Binary::prelu, x, weight);
}

}  // namespace reel
