#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/detail/batched.h"
#include "reel/autograd/detail/in_place.h"
#include "reel/autograd/detail/node.h"
#include "reel/autograd/hooks.h"
#include "reel/autograd/op_name.h"
#include "reel/autograd/saved.h"
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
  /// Only these get a gradient: leaves, or results of ops, in their `.grad()` too; of the graph only
  /// what leads to them is walked. Empty: all leaves.
  std::vector<Tensor> inputs = {};
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

/// Sets whether ops on this thread are recorded, until it is set again. In a scope use a guard.
/// Follows `torch.set_grad_enabled`.
inline void set_grad_enabled(bool enabled) { detail::tape.enabled = enabled; }

/// Sets whether ops are recorded for as long as it lives.
class GradModeGuard {
 public:
  /// Records from here on, or does not.
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

/// The same for running a model that is not to be trained: PyTorch's name for it. There is no more to
/// save than `NoGradGuard` does.
class InferenceMode : GradModeGuard {
 public:
  /// With `enabled` false it changes nothing.
  explicit InferenceMode(bool enabled = true) : GradModeGuard(!enabled && grad_enabled()) {}
};

/// Recording is on again inside a `NoGradGuard`.
class EnableGradGuard : GradModeGuard {
 public:
  EnableGradGuard() : GradModeGuard(true) {}
};

/// While it lives, ops remember where in the program they were recorded, and backward stops at the
/// first whose gradient holds a NaN: the error names the op, the shapes of its inputs, the layer that
/// ran and the line, or without debug information the function, that called. Costs a pass over every
/// gradient and a look at the stack for every op. Follows `torch.autograd.detect_anomaly`.
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

/// One input of an op and the rule for its gradient.
template <class Rule>
struct WithRespectTo {
  const Tensor& input;  ///< lives until the op is recorded, in the same expression
  Rule rule;            ///< takes `(dy)` or `(dy, y)`, returns the gradient
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
    detail::check_not_batched(name, rules.input...);
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

namespace detail {
/// Throws unless `x` may be overwritten, by an op on the tape if it is `recorded`.
REEL_API void check_writable(const char* op, const Tensor& x, bool recorded);
}  // namespace detail

/// To be called before the elements of `x` are changed by what was computed from it and `sources`.
/// Throws where elements share memory with each other, and, while the tape follows any of these,
/// where `x` is a leaf that requires gradients, a view of one, or a view made while nothing was
/// recorded.
template <class... Sources>
void check_in_place(const char* op, const Tensor& x, const Sources&... sources) {
  detail::check_not_batched(op, sources...);
  detail::check_writable(op, x, recording(x, sources...));
}

/// Puts an op on the tape that has changed the elements of `x` in place. A rule for `x` is one for
/// what `x` was before, without which no gradient goes there; the rules' `y` is `x` as it is now.
/// What a rule needs of `x` as it was is to be cloned before the change, as is an input that shares
/// its memory. Every view of `x`, and what `x` is a view of, has the op in its history. Returns `x`.
///
/// Does its part also where nothing is recorded: what others saved of `x` counts as changed.
///
/// **Example**
/// ```cpp
/// check_in_place("scale_", x);
/// for (float& value : std::span(x.data_ptr<float>(), x.numel())) value *= 3;
/// return record_in_place("scale_", x, wrt(x, [](const Tensor& dy) { return dy * 3; }));
/// ```
template <class... Rules>
const Tensor& record_in_place(OpName name, const Tensor& x, WithRespectTo<Rules>... rules) {
  detail::bump_version(x, name);
  if (recording(x, rules.input...) && x.is_floating_point()) {
    detail::rebase(x, detail::make_node<detail::RulesNode<Rules...>>(name, x, std::move(rules)...));
  }
  return x;
}

/// The same for an op that leaves nothing of what was there and computes from no tensor, as drawing
/// random numbers does.
inline const Tensor& record_in_place(OpName name, const Tensor& x) {
  return record_in_place(name, x, wrt(Tensor(), [](const Tensor&) { return Tensor(); }));
}

/// Which inputs of an op need a gradient.
using Needs = std::vector<bool>;

/// The gradients of an op's inputs, in order; an undefined tensor where none is needed.
using Gradients = std::vector<Tensor>;

/// The inputs of an op whose gradients are computed together, or whose number is known only at run
/// time.
struct Inputs {
  std::vector<Tensor> tensors;  ///< in the order in which the rule returns their gradients
};

/// Some tensors as the inputs of `record` with one rule for all.
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
    detail::check_not_batched(name, inputs.tensors);
    detail::prepare_output(name, out, rule);
    detail::attach(out, detail::make_node<detail::JointNode<Rule>>(name, out, inputs.tensors,
                                                                   std::move(rule)));
  }
  return out;
}

// ---- ops with several outputs

/// Some tensors as the outputs of `record`, which gives them back: hand them over.
template <std::same_as<Tensor>... Tensors>
std::array<Tensor, sizeof...(Tensors)> outputs(Tensors... tensors) {
  return {std::move(tensors)...};
}

/// Puts an op with several outputs on the tape. One rule serves all: it takes `(dy, needs)` or
/// `(dy, y, needs)`, where `dy` and `y` are lists with an entry for each output, and returns the
/// `Gradients` of the inputs. An output that no gradient came to has an undefined `dy`; integer
/// outputs never have one. The rule runs once, when all gradients have come. What it needs of the
/// outputs it takes from `y`.
///
/// **Example**
/// ```cpp
/// auto [q, r] = record("qr", outputs(q_of(a), r_of(a)), inputs(a),
///                      [](const Gradients& dy, const std::vector<Tensor>& y, const Needs&) {
///                        return Gradients{qr_gradient(dy[0], dy[1], y[0], y[1])};
///                      });
/// ```
template <std::size_t N, class Rule>
[[nodiscard]] std::array<Tensor, N> record(OpName name, std::array<Tensor, N> outputs,
                                           const Inputs& inputs, Rule rule) {
  detail::record_many(name, outputs, inputs.tensors, std::move(rule));
  return outputs;
}
/// The same where the number of outputs is known only at run time.
template <class Rule>
[[nodiscard]] std::vector<Tensor> record(OpName name, std::vector<Tensor> outputs,
                                         const Inputs& inputs, Rule rule) {
  detail::record_many(name, outputs, inputs.tensors, std::move(rule));
  return outputs;
}

}  // namespace reel
