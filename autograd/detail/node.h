#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/detail/batched.h"
#include "reel/autograd/detail/grad_extras.h"
#include "reel/autograd/detail/origin.h"
#include "reel/autograd/detail/tape_state.h"
#include "reel/autograd/op_name.h"
#include "reel/autograd/saved.h"
#include "reel/autograd/tensor.h"

namespace reel {

template <class Rule>
struct WithRespectTo;

namespace detail {

/// Where an op's input came from: the op that made it, or a leaf, or (neither) something that needs
/// no gradient. Owns a reference.
struct Edge {
  Node* node = nullptr;
  TensorImpl* leaf = nullptr;

  bool needed() const { return node != nullptr || leaf != nullptr; }
};

class ManyNode;

/// Takes the gradients that a node computes for its inputs: the engine.
class GradientSink {
 public:
  /// The gradient of the node's input number `input`; undefined means none.
  virtual void send(Node& node, Size input, Tensor gradient) = 0;
  /// The gradient of output number `output` of an op with several, which waits for the others.
  virtual void collect(ManyNode& node, Size output, const Tensor& gradient) = 0;
  /// What was collected for the node, which runs now: one for each output, undefined where none came.
  virtual std::vector<Tensor> collected(ManyNode& node) = 0;

 protected:
  ~GradientSink() = default;
};

/// A function that an op's result went through in its own memory: the node of the op goes on as the
/// maker of what came out.
struct Epilogue {
  const char* name;
  /// From the gradient and the value of what came out, the gradient of what went in.
  Tensor (*backward)(const Tensor& dy, const Tensor& y);
};

/// One recorded op: the ops before it and the rules for its inputs' gradients. Its output holds it,
/// so it must not hold its output; it keeps what describes the output, and, where a rule asks for
/// the output, an alias of its elements outside the tape.
///
/// Several backwards may walk a node at once, in threads or one within another's rule. The first to
/// bring it a gradient owns it until it has run its rules: it collects in `gradient`, and it alone
/// may free what the rules hold. The others are guests: they collect in tables of their own and are
/// counted while they are inside the rules. Nobody waits for anybody.
class Node {
 public:
  std::atomic<std::uint32_t> refs{1};
  std::uint32_t edge_count = 0;
  Edge* edges = nullptr;
  const char* name = nullptr;
  std::uint64_t age = 0;                    // greater than that of every node before it
  TensorImpl* gradient = nullptr;           // collected by the owner
  std::atomic<const void*> owner{nullptr};  // the backward that collects here
  TensorImpl* output = nullptr;             // the alias, if a rule or the epilogue asks for it
  GradExtras* extras = nullptr;  // hooks of the output, and where it retains its gradient
  std::uint32_t output_version = 0;
  std::uint32_t bytes = 0;               // of the whole node, for the allocator
  DType dtype = DType::float32;          // of the output
  bool holds = false;                    // whether the rules hold anything worth freeing
  bool one_of_many = false;              // no op, only an output of one: see OutputNode
  bool has_origin = false;               // where it was recorded is known: see origin.h
  std::atomic<std::uint16_t> guests{0};  // inside the rules, plus `spent`
  Shape shape;                           // of the output
  union {
    const Epilogue* epilogue = nullptr;  // what the output went through last
    Node* next_dead;                     // in the queue of nodes being freed
  };

  /// The mark that a backward was through and kept nothing for another.
  static constexpr std::uint16_t spent = 0x8000;
  bool is_spent() const { return (guests.load(std::memory_order_acquire) & spent) != 0; }
  /// What made the output, as its user called it.
  const char* last_op() const { return epilogue != nullptr ? epilogue->name : name; }

  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Computes the gradients of the inputs whose edges are `wanted` and sends them.
  virtual void run(const Tensor& dy, const Tensor& y, const std::vector<bool>* wanted,
                   GradientSink& sink) = 0;
  /// Frees what the rules have saved.
  virtual void release_rules() noexcept = 0;
  /// Copies the rules, with what they have saved: `saved_by` looks on.
  virtual void copy_rules() const {}

 protected:
  ~Node() = default;
  friend REEL_API void destroy(Node* node) noexcept;
  virtual void destruct() noexcept = 0;
};

/// Frees a node, and whatever only it kept alive, without recursion.
REEL_API void destroy(Node* node) noexcept;

inline void drop(Node* node) noexcept {
  if (node != nullptr && drop_ref(node->refs)) destroy(node);
}

[[noreturn]] REEL_API void changed_in_place(const Tensor& tensor);
[[noreturn]] REEL_API void already_recorded(const char* op);
[[noreturn]] REEL_API void captured_output(const char* op);
[[noreturn]] REEL_API void undefined_output(const char* op);
[[noreturn]] REEL_API void wrong_gradient_count(const Node& node, std::size_t got);

/// Points `edge` at where `input` came from and makes the node younger than it.
inline void connect(Node& node, Edge& edge, const Tensor& input) {
  TensorImpl* impl = input.get();
  if (impl == nullptr || !impl->requires_grad()) return;
  if (Node* from = impl->current()) {
    edge.node = from;
    add_ref(edge.node->refs);
    if (edge.node->age > node.age) node.age = edge.node->age;
  } else {
    edge.leaf = impl;
    add_ref(impl->refs);
  }
}

/// Copies what the node must know of its output; with `keep`, also an alias of the output.
REEL_API void describe_output(Node& node, const Tensor& out, bool keep);

/// The kept output, on the tape again if recording; throws when it was changed in place.
REEL_API Tensor kept_output(Node& node);

/// An age above all inputs' and above all else this thread has made (a Lamport clock): inputs are
/// always older than outputs, also when tensors travel between threads.
inline void set_age(Node& node) {
  if (tape.age < node.age) tape.age = node.age;
  node.age = ++tape.age;
}

/// Sees to a node that has just been put on the tape, for whoever asked for that.
REEL_API void look_after(Node& node);

inline void note_recorded(Node& node) {
  if (tape.detect_anomaly || tape.packing != nullptr) [[unlikely]]
    look_after(node);
}

/// Makes `node` the origin of `out`. Takes over the reference.
inline void attach(const Tensor& out, Node* node) {
  TensorImpl& impl = out.impl();
  set_age(*node);
  impl.node = node;
  impl.followed = Followed::yes;
  note_recorded(*node);
}

REEL_API bool any_requires_grad(const std::vector<Tensor>& tensors);

/// Stands for every rule without captures, of whose bytes none is ever set.
inline constexpr struct RuleWithoutCaptures {
} rule_without_captures{};

template <class Rule>
constexpr const auto& captures_of(const Rule& rule) {
  if constexpr (std::is_empty_v<Rule>) {
    return rule_without_captures;
  } else {
    return rule;
  }
}

/// The tensors that an op keeps for its backward, each once: what `save` was given, and outputs that
/// its rules take. What rules have captured without `save`, and rules that cannot be copied, are not
/// seen.
REEL_API std::vector<Tensor> saved_by(const Node& node);

/// Shows all that rules have given to `save`, as far as they can be copied, to a visitor.
REEL_API void visit_saved(const Node& node, SavedVisitor& visitor);

/// Lets `saved_by` see what a rule has saved, if it is there.
template <class Rule>
void show_saved(const std::optional<Rule>& rule) {
  if constexpr (std::is_copy_constructible_v<Rule> && !std::is_trivially_copyable_v<Rule>) {
    [[maybe_unused]] const std::optional<Rule> copy(rule);
  }
}

/// Whether a rule has captured this tensor: then a copy of the rule raises its count.
template <class Rule>
bool captures(const Rule& rule, const TensorImpl& impl) {
  if constexpr (std::is_copy_constructible_v<Rule> && !std::is_empty_v<Rule>) {
    const std::uint32_t before = impl.refs.load(std::memory_order_relaxed);
    [[maybe_unused]] const Rule copy(rule);
    return impl.refs.load(std::memory_order_relaxed) > before;
  } else {
    return false;
  }
}

/// Whether the tape follows such an output: integers have no gradients.
inline bool is_recordable(const char* op, const Tensor& out) {
  if (!out.defined()) [[unlikely]]
    undefined_output(op);
  return out.is_floating_point();
}

template <class... Rules>
[[gnu::cold, gnu::noinline]] void view_output(const char* op, Tensor& out, const Rules&... rules) {
  const TensorImpl& impl = *out.get();
  if (impl.followed == Followed::yes) already_recorded(op);
  // A rule that held the tensor would hold it as a constant, and derivatives of the rule be wrong.
  if ((captures(rules, impl) || ...)) captured_output(op);
  out = alias(out, impl.shape, impl.strides);
}

/// Makes `out` a tensor that may join the tape: where somebody else holds it, a view of it, for
/// whoever holds a constant must not find that it has become a result.
template <class... Rules>
void prepare_output(const char* op, Tensor& out, const Rules&... rules) {
  const TensorImpl& impl = *out.get();
  if (impl.refs.load(std::memory_order_acquire) != 1 || impl.followed == Followed::yes) [[unlikely]]
    view_output(op, out, captures_of(rules)...);
}

template <class N, class... Args>
N* make_node(const char* name, Args&&... args) {
  void* block = allocate(sizeof(N));
  auto* node = new (block) N(name, std::forward<Args>(args)...);
  node->bytes = static_cast<std::uint32_t>(sizeof(N));
  return node;
}

/// A rule that keeps numbers only, in memory not worth freeing: its node may serve every backward.
template <class Rule>
struct NumbersOnly : Rule {};
template <class Rule>
NumbersOnly(Rule) -> NumbersOnly<Rule>;

/// Whether a rule keeps anything worth freeing.
template <class Rule>
inline constexpr bool rule_holds = !std::is_trivially_destructible_v<Rule>;
template <class Rule>
inline constexpr bool rule_holds<NumbersOnly<Rule>> = false;

/// A node whose inputs each have a rule of their own.
template <class... Rules>
class RulesNode final : public Node {
 public:
  RulesNode(const char* op, const Tensor& out, WithRespectTo<Rules>&&... given)
      : rules_(keep_if_needed(given)...) {
    name = op;
    edge_count = sizeof...(Rules);
    edges = edges_;
    Size i = 0;
    (connect(*this, edges_[i++], given.input), ...);
    constexpr bool keep_output = (!std::is_invocable_v<Rules&, const Tensor&> || ...);
    holds = keep_output || (rule_holds<Rules> || ...);
    describe_output(*this, out, keep_output);
  }

  void run(const Tensor& dy, const Tensor& y, const std::vector<bool>* wanted,
           GradientSink& sink) override {
    run_each(dy, y, wanted, sink, std::index_sequence_for<Rules...>{});
  }

  void release_rules() noexcept override {
    std::apply([](auto&... rule) { (rule.reset(), ...); }, rules_);
  }
  void copy_rules() const override {
    std::apply([](const auto&... rule) { (show_saved(rule), ...); }, rules_);
  }

 protected:
  void destruct() noexcept override { this->~RulesNode(); }

 private:
  template <class Rule>
  static std::optional<Rule> keep_if_needed(WithRespectTo<Rule>& given) {
    return given.input.requires_grad() ? std::optional<Rule>(std::move(given.rule)) : std::nullopt;
  }

  template <class Rule>
  static Tensor apply(Rule& rule, const Tensor& dy, const Tensor& y) {
    if constexpr (std::is_invocable_v<Rule&, const Tensor&>) {
      return rule(dy);
    } else {
      return rule(dy, y);
    }
  }

  template <std::size_t... I>
  void run_each(const Tensor& dy, const Tensor& y, const std::vector<bool>* wanted,
                GradientSink& sink, std::index_sequence<I...>) {
    auto one = [&](auto index, auto& rule) {
      constexpr std::size_t i = index;
      if (!edges_[i].needed() || (wanted != nullptr && !(*wanted)[i])) return;
      sink.send(*this, static_cast<Size>(i), apply(*rule, dy, y));
    };
    (one(std::integral_constant<std::size_t, I>{}, std::get<I>(rules_)), ...);
  }

  Edge edges_[sizeof...(Rules)];
  std::tuple<std::optional<Rules>...> rules_;
};

/// Which inputs of a node need a gradient, of those that are `wanted` if that is said.
REEL_API std::vector<bool> needs_of(const Node& node, const std::vector<bool>* wanted);
/// Sends the gradients that a rule for all inputs has returned.
REEL_API void send_all(Node& node, const std::vector<bool>& needs, std::vector<Tensor> gradients,
                       GradientSink& sink);

/// A node whose inputs share one rule.
template <class Rule>
class JointNode final : public Node {
 public:
  JointNode(const char* op, const Tensor& out, const std::vector<Tensor>& inputs, Rule&& rule)
      : JointNode(op, out, std::vector<Edge>(inputs.size()), std::move(rule)) {
    for (std::size_t i = 0; i < edges_.size(); ++i) connect(*this, edges_[i], inputs[i]);
  }
  /// With the inputs of another node, which is left without any.
  template <class Other>
  JointNode(const char* op, const Tensor& out, JointNode<Other>& other, Rule&& rule)
      : JointNode(op, out, other.take_edges(), std::move(rule)) {
    age = other.age;  // as all ages it only has to be greater than those of the nodes before
  }

  const Rule& rule() const { return *rule_; }

  void run(const Tensor& dy, const Tensor& y, const std::vector<bool>* wanted,
           GradientSink& sink) override {
    const std::vector<bool> needs = needs_of(*this, wanted);
    if constexpr (takes_output) {
      send_all(*this, needs, (*rule_)(dy, y, needs), sink);
    } else {
      send_all(*this, needs, (*rule_)(dy, needs), sink);
    }
  }

  void release_rules() noexcept override { rule_.reset(); }
  void copy_rules() const override { show_saved(rule_); }

 protected:
  void destruct() noexcept override { this->~JointNode(); }

 private:
  static constexpr bool takes_output =
      !std::is_invocable_v<Rule&, const Tensor&, const std::vector<bool>&>;

  JointNode(const char* op, const Tensor& out, std::vector<Edge>&& from, Rule&& rule)
      : edges_(std::move(from)), rule_(std::move(rule)) {
    name = op;
    edge_count = static_cast<std::uint32_t>(edges_.size());
    edges = edges_.data();
    holds = takes_output || rule_holds<Rule>;
    describe_output(*this, out, takes_output);
  }

  std::vector<Edge> take_edges() {
    edge_count = 0;
    return std::move(edges_);
  }

  template <class>
  friend class JointNode;

  std::vector<Edge> edges_;
  std::optional<Rule> rule_;
};

/// An op with several outputs. No tensor has it for its node: each output that is followed has an
/// OutputNode, which knows that output's shape and hands on its gradient. As those are younger, all
/// gradients have come when the op runs; the walk keeps them meanwhile.
class ManyNode : public Node {
 public:
  std::uint32_t output_count = 0;

 protected:
  ManyNode(const char* op, const std::vector<Tensor>& inputs, std::span<const Tensor> outputs,
           bool keep_outputs);
  /// With inputs from there, of which it takes references.
  ManyNode(const char* op, const std::vector<Edge>& inputs, std::size_t output_count);

  /// The kept outputs, on the tape again if recording; throws when one was changed in place.
  std::vector<Tensor> kept_outputs();
  void drop_outputs() noexcept;
  void show_outputs() const;

 private:
  std::vector<Edge> edges_;
  std::vector<Saved> outputs_;  // aliases outside the tape
};

/// One rule for all inputs and outputs.
template <class Rule>
class ManyRuleNode final : public ManyNode {
 public:
  ManyRuleNode(const char* op, const std::vector<Tensor>& inputs, std::span<const Tensor> outputs,
               Rule&& rule)
      : ManyNode(op, inputs, outputs, takes_outputs), rule_(std::move(rule)) {
    holds = takes_outputs || rule_holds<Rule>;
  }

  void run(const Tensor&, const Tensor&, const std::vector<bool>* wanted,
           GradientSink& sink) override {
    const std::vector<bool> needs = needs_of(*this, wanted);
    const std::vector<Tensor> dy = sink.collected(*this);
    if constexpr (takes_outputs) {
      send_all(*this, needs, (*rule_)(dy, kept_outputs(), needs), sink);
    } else {
      send_all(*this, needs, (*rule_)(dy, needs), sink);
    }
  }

  void release_rules() noexcept override {
    rule_.reset();
    drop_outputs();
  }
  void copy_rules() const override {
    show_saved(rule_);
    show_outputs();
  }

 protected:
  void destruct() noexcept override { this->~ManyRuleNode(); }

 private:
  static constexpr bool takes_outputs =
      !std::is_invocable_v<Rule&, const std::vector<Tensor>&, const std::vector<bool>&>;

  std::optional<Rule> rule_;
};

/// Makes the outputs that can have a gradient come from `node`, whose reference it takes over.
REEL_API void attach_outputs(std::span<Tensor> outputs, ManyNode* node);

/// `record` for several outputs.
template <class Rule>
void record_many(OpName name, std::span<Tensor> outputs, const std::vector<Tensor>& inputs,
                 Rule rule) {
  bool followed = false;
  for (Tensor& out : outputs) followed = is_recordable(name, out) || followed;
  if (!followed || !tape.enabled || !any_requires_grad(inputs)) return;
  check_not_batched(name, inputs);
  for (Tensor& out : outputs) {
    if (out.is_floating_point()) prepare_output(name, out, rule);
  }
  auto* node = make_node<ManyRuleNode<Rule>>(name, inputs, outputs, std::move(rule));
  set_age(*node);
  attach_outputs(outputs, node);
  note_recorded(*node);
}

}  // namespace detail
}  // namespace reel
