#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/detail/node.h"
#include "reel/autograd/op_name.h"
#include "reel/autograd/tensor.h"

namespace reel {

// ---- asking for gradients
//
// Threads. Recording is per thread, as are its guards. Any number of threads may run backward() and
// grad() at once, also where their graphs share leaves or ops, and a rule may run them on the very
// graph that is being walked. A leaf gets the whole sum, added to `.grad()` one gradient at a time,
// in the order in which they come: its last bits may differ from run to run, as may who gets the
// error where two threads walk one graph and neither retains it. `grad()` and `set_grad()` of a
// leaf are safe meanwhile, but the elements of its gradient may be in the midst of an addition.
// Changing a tensor in place while another thread reads it is a race, as with any memory.

/// What `backward` can be told.
struct BackwardOptions {
  Tensor gradient = {};       ///< d(loss)/d(this tensor); may be left out for a single element
  bool retain_graph = false;  ///< keep what ops saved, so that backward can run again
  /// Record the backward itself, for gradients of gradients. `.grad()` then has a history that ends
  /// in its own leaf: the two keep each other, and the graph between them, alive until
  /// `set_grad({})` or `zero_grad()` parts them. `grad()` with `.create_graph` has no such cycle.
  bool create_graph = false;
};

/// Walks the tape from all `roots` at once and adds up the gradients of the leaves they came from.
///
/// A leaf without a gradient gets a tensor of its own, laid out as the leaf. A leaf that has one
/// keeps it: `backward` adds to it in place, so that a held `.grad()` or a flat buffer whose parts
/// were set as gradients stays current. Only with `create_graph` is the sum a new tensor.
///
/// Frees what ops saved unless told to retain it; ops that saved nothing (views, sums) may serve
/// again. Follows `torch.autograd.backward`.
///
/// Throws when a root has more than one element and no `gradient`, when it does not require
/// gradients, and when what its ops saved was freed or changed in place.
REEL_API void backward(const std::vector<Tensor>& roots, const BackwardOptions& options = {});

/// What `grad` can be told.
struct GradOptions {
  std::vector<Tensor> grad_outputs =
      {};                     ///< one for each output; may be left out for single elements
  bool retain_graph = false;  ///< keep what ops saved, so that the graph can be used again
  bool create_graph = false;  ///< record the backward itself, for gradients of gradients
};

/// The gradients of the outputs (their sum, weighted by `grad_outputs`) with respect to `inputs`,
/// leaving every `.grad()` alone. Inputs may be leaves or results of ops. An input that the outputs
/// do not depend on gets zeros. Follows `torch.autograd.grad`.
///
/// Throws when an output has more than one element and no `grad_outputs`, when an input does not
/// require gradients, and when what its ops saved was freed or changed in place.
REEL_API std::vector<Tensor> grad(const std::vector<Tensor>& outputs,
                                  const std::vector<Tensor>& inputs,
                                  const GradOptions& options = {});
/// The same for one output and one input. (A template, so that `grad({y}, {x})` can only mean
/// lists.)
template <std::derived_from<Tensor> Output, std::derived_from<Tensor> Input>
Tensor grad(const Output& output, const Input& input, const GradOptions& options = {}) {
  return grad(std::vector<Tensor>{output}, std::vector<Tensor>{input}, options)[0];
}

// ---- switching the tape off and on

/// Whether ops on this thread are being recorded.
inline bool grad_enabled() { return detail::tape.enabled; }

/// Sets whether ops are recorded for as long as it lives.
class GradModeGuard {
 public:
  explicit GradModeGuard(bool enabled) : before_(std::exchange(detail::tape.enabled, enabled)) {}
  ~GradModeGuard() { detail::tape.enabled = before_; }
  GradModeGuard(const GradModeGuard&) = delete;
  GradModeGuard& operator=(const GradModeGuard&) = delete;

 private:
  bool before_;
};

/// Nothing is recorded while it lives: `NoGradGuard no_grad;`.
class NoGradGuard : GradModeGuard {
 public:
  NoGradGuard() : GradModeGuard(false) {}
};

/// Recording is on again inside a `NoGradGuard`.
class EnableGradGuard : GradModeGuard {
 public:
  EnableGradGuard() : GradModeGuard(true) {}
};

/// While it lives, backward stops at the first op whose gradient holds a NaN and names it.
/// Costs a pass over every gradient.
class DetectAnomalyGuard {
 public:
  DetectAnomalyGuard() : before_(std::exchange(detail::tape.detect_anomaly, true)) {}
  ~DetectAnomalyGuard() { detail::tape.detect_anomaly = before_; }
  DetectAnomalyGuard(const DetectAnomalyGuard&) = delete;
  DetectAnomalyGuard& operator=(const DetectAnomalyGuard&) = delete;

 private:
  bool before_;
};

// ---- writing ops

/// A tensor kept for backward together with its version: reading it after an in-place change throws
/// an error that names the op. Converts to the tensor.
class Saved {
 public:
  explicit Saved(const Tensor& tensor)
      : tensor_(tensor), version_(tensor.defined() ? tensor.version() : 0) {}

  operator const Tensor&() const {
    if (tensor_.defined() && tensor_.version() != version_) detail::changed_in_place(tensor_);
    return tensor_;
  }
  const Tensor& operator()() const { return *this; }

 private:
  Tensor tensor_;
  std::uint32_t version_;
};

/// Keeps `tensor` for backward: `[b = save(b)](const Tensor& dy) { return dy * b; }`.
/// Never keep the op's own output so: take it as the rule's second parameter. `record` refuses a
/// rule that captures it, but cannot look behind a pointer.
inline Saved save(const Tensor& tensor) { return Saved(tensor); }

/// One input of an op and the rule for its gradient.
template <class Rule>
struct WithRespectTo {
  const Tensor& input;
  Rule rule;
};

/// "The gradient with respect to `input` is ...": a rule takes `(dy)` or `(dy, y)`, the gradient of
/// the op's output and the output itself, and returns the gradient in tensor ops, so that it can be
/// differentiated again. It may return the output's shape where the op broadcast its input: the
/// engine sums. It runs only when `input` needs a gradient.
template <class Rule>
WithRespectTo<Rule> wrt(const Tensor& input, Rule rule) {
  return {input, std::move(rule)};
}

/// Whether any of these tensors is followed by the tape right now.
template <class... Tensors>
bool recording(const Tensors&... tensors) {
  return grad_enabled() && (tensors.requires_grad() || ...);
}

/// Puts an op on the tape: `out` was computed from the inputs named in `rules`. Returns `out`, or,
/// where somebody else holds it too, a view of it: a tensor that is a constant to its holder stays
/// one. So hand it over.
///
/// Throws when `out` requires gradients already, as an input returned unchanged would, and when a
/// rule has captured it.
///
/// **Example**
/// ```cpp
/// return record("mul", std::move(out),
///               wrt(a, [b = save(b)](const Tensor& dy) { return dy * b; }),
///               wrt(b, [a = save(a)](const Tensor& dy) { return dy * a; }));
/// ```
template <class... Rules>
[[nodiscard]] Tensor record(OpName name, Tensor out, WithRespectTo<Rules>... rules) {
  if (recording(rules.input...) && detail::is_recordable(name, out)) {
    detail::prepare_output(name, out, rules.rule...);
    detail::attach(out,
                   detail::make_node<detail::RulesNode<Rules...>>(name, out, std::move(rules)...));
  }
  return out;
}

namespace detail {
template <class Forward, class... Tensors>
concept OpInputs =
    !std::convertible_to<Forward, Tensor> && (std::derived_from<Tensors, Tensor> && ...);
}

/// `record(name, forward, backward, x...)`, the form that makes an op from xtensor expressions, is
/// in `autograd/xtensor.h`; this one only says so.
template <class Forward, class Backward, class... Tensors>
  requires detail::OpInputs<Forward, Tensors...>
Tensor record(OpName, const Forward&, Backward, const Tensor& x, const Tensors&...) {
  static_assert(detail::never<Forward>,
                "record with a forward and a backward needs #include <reel/autograd/xtensor.h>");
  return x;
}

/// Which inputs of an op need a gradient.
using Needs = std::vector<bool>;

/// The gradients of an op's inputs, in order; an undefined tensor where none is needed.
using Gradients = std::vector<Tensor>;

/// The inputs of an op whose gradients are computed together, or whose number is known only at run
/// time.
struct Inputs {
  std::vector<Tensor> tensors;
};

template <class... Tensors>
Inputs inputs(const Tensors&... tensors) {
  return {{tensors...}};
}

/// The same for one rule that serves all inputs: it takes `(dy, needs)` or `(dy, y, needs)` and
/// returns `Gradients`.
template <class Rule>
[[nodiscard]] Tensor record(OpName name, Tensor out, const Inputs& inputs, Rule rule) {
  if (grad_enabled() && detail::any_requires_grad(inputs.tensors) &&
      detail::is_recordable(name, out)) {
    detail::prepare_output(name, out, rule);
    detail::attach(out, detail::make_node<detail::JointNode<Rule>>(name, out, inputs.tensors,
                                                                   std::move(rule)));
  }
  return out;
}

}  // namespace reel
