#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/op_name.h"
#include "reel/autograd/tensor.h"

namespace reel {

template <class Rule>
struct WithRespectTo;

namespace detail {

/// What the tape knows about the calling thread.
struct TapeState {
  bool enabled = true;
  bool detect_anomaly = false;
  std::uint64_t age = 0;          // of the youngest node this thread has made or built upon
  const char* running = nullptr;  // the op whose backward is running, for error messages
};
extern REEL_API constinit thread_local TapeState tape;

/// Where an op's input came from: the op that made it, or a leaf, or (neither) something that needs
/// no gradient. Owns a reference.
struct Edge {
  Node* node = nullptr;
  TensorImpl* leaf = nullptr;

  bool needed() const { return node != nullptr || leaf != nullptr; }
};

/// Takes the gradients that a node computes for its inputs: the engine.
class GradientSink {
 public:
  /// The gradient of the node's input number `input`; undefined means none.
  virtual void send(Node& node, Size input, Tensor gradient) = 0;

 protected:
  ~GradientSink() = default;
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
  TensorImpl* output = nullptr;             // the alias, if a rule asks for it
  std::uint32_t output_version = 0;
  DType dtype = DType::float32;          // of the output
  bool holds = false;                    // whether the rules hold anything worth freeing
  std::atomic<std::uint16_t> guests{0};  // inside the rules, plus `spent`
  Shape shape;                           // of the output
  std::size_t bytes = 0;                 // of the whole node, for the allocator
  Node* next_dead = nullptr;             // the queue of nodes being freed

  /// The mark that a backward was through and kept nothing for another.
  static constexpr std::uint16_t spent = 0x8000;
  bool is_spent() const { return (guests.load(std::memory_order_acquire) & spent) != 0; }

  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Computes the gradients of the inputs whose edges are `wanted` and sends them.
  virtual void run(const Tensor& dy, const Tensor& y, const std::vector<bool>* wanted,
                   GradientSink& sink) = 0;
  /// Frees what the rules have saved.
  virtual void release_rules() noexcept = 0;

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
  if (impl == nullptr || !impl->requires_grad) return;
  if (impl->node != nullptr) {
    edge.node = impl->node;
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

/// Makes `node` the origin of `out`. Takes over the reference.
inline void attach(const Tensor& out, Node* node) {
  TensorImpl& impl = out.impl();
  // An age above all inputs' and above all else this thread has made (a Lamport clock): inputs are
  // always older than outputs, also when tensors travel between threads.
  if (tape.age < node->age) tape.age = node->age;
  node->age = ++tape.age;
  impl.node = node;
  impl.requires_grad = true;
}

REEL_API bool any_requires_grad(const std::vector<Tensor>& tensors);

/// Whether a rule has captured this tensor: then a copy of the rule raises its count.
template <class Rule>
bool captures(const Rule& rule, const TensorImpl& impl) {
  if constexpr (std::is_copy_constructible_v<Rule>) {
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
  if (impl.requires_grad) already_recorded(op);
  // A rule that held the tensor would hold it as a constant, and derivatives of the rule be wrong.
  if ((captures(rules, impl) || ...)) captured_output(op);
  out = alias(out, impl.shape, impl.strides);
}

/// Makes `out` a tensor that may join the tape: where somebody else holds it, a view of it, for
/// whoever holds a constant must not find that it has become a result.
template <class... Rules>
void prepare_output(const char* op, Tensor& out, const Rules&... rules) {
  const TensorImpl& impl = *out.get();
  if (impl.refs.load(std::memory_order_acquire) != 1 || impl.requires_grad) [[unlikely]]
    view_output(op, out, rules...);
}

template <class N, class... Args>
N* make_node(const char* name, const Tensor& out, Args&&... args) {
  void* block = allocate(sizeof(N));
  auto* node = new (block) N(name, out, std::forward<Args>(args)...);
  node->bytes = sizeof(N);
  return node;
}

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
    holds = keep_output || !(std::is_trivially_destructible_v<Rules> && ...);
    describe_output(*this, out, keep_output);
  }

  void run(const Tensor& dy, const Tensor& y, const std::vector<bool>* wanted,
           GradientSink& sink) override {
    run_each(dy, y, wanted, sink, std::index_sequence_for<Rules...>{});
  }

  void release_rules() noexcept override {
    std::apply([](auto&... rule) { (rule.reset(), ...); }, rules_);
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

/// A node whose inputs share one rule.
template <class Rule>
class JointNode final : public Node {
 public:
  JointNode(const char* op, const Tensor& out, const std::vector<Tensor>& inputs, Rule&& rule)
      : edges_(inputs.size()), rule_(std::move(rule)) {
    name = op;
    edge_count = static_cast<std::uint32_t>(edges_.size());
    edges = edges_.data();
    for (std::size_t i = 0; i < edges_.size(); ++i) connect(*this, edges_[i], inputs[i]);
    holds = takes_output || !std::is_trivially_destructible_v<Rule>;
    describe_output(*this, out, takes_output);
  }

  void run(const Tensor& dy, const Tensor& y, const std::vector<bool>* wanted,
           GradientSink& sink) override {
    std::vector<bool> needs(edges_.size());
    for (std::size_t i = 0; i < edges_.size(); ++i) {
      needs[i] = edges_[i].needed() && (wanted == nullptr || (*wanted)[i]);
    }
    std::vector<Tensor> gradients;
    if constexpr (takes_output) {
      gradients = (*rule_)(dy, y, needs);
    } else {
      gradients = (*rule_)(dy, needs);
    }
    if (gradients.size() != edges_.size()) wrong_gradient_count(*this, gradients.size());
    for (std::size_t i = 0; i < edges_.size(); ++i) {
      if (needs[i]) sink.send(*this, static_cast<Size>(i), std::move(gradients[i]));
    }
  }

  void release_rules() noexcept override { rule_.reset(); }

 protected:
  void destruct() noexcept override { this->~JointNode(); }

 private:
  static constexpr bool takes_output =
      !std::is_invocable_v<Rule&, const Tensor&, const std::vector<bool>&>;

  std::vector<Edge> edges_;
  std::optional<Rule> rule_;
};

}  // namespace detail
}  // namespace reel
