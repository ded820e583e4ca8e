// The backward pass: visits recorded ops from the youngest to the oldest. It knows no op: what it
// does with gradients are methods of tensors.

#include <algorithm>
#include <deque>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "reel/autograd/detail/batched.h"
#include "reel/autograd/detail/give_away.h"
#include "reel/autograd/detail/grad_lock.h"
#include "reel/autograd/detail/walk.h"
#include "reel/autograd/hooks.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"

namespace reel {
namespace {

using detail::Edge;
using detail::GradExtras;
using detail::is_own_buffer;
using detail::Node;
using detail::TensorImpl;

bool has_nan(const Tensor& x) { return x.ne(x).any().item<bool>(); }

bool younger(const Node* a, const Node* b) { return a->age < b->age; }

/// What stands for a tensor on the tape.
const void* key_of(const Tensor& x) {
  const Node* node = x.impl().current();
  return node != nullptr ? static_cast<const void*>(node) : x.get();
}

/// What `grad` asks for: the inputs, and the nodes on the way to them.
struct Targets {
  std::unordered_map<const void*, std::size_t> index;  // a node or a leaf -> its slot in `found`
  std::vector<Tensor> found;
  std::unordered_set<const Node*> on_the_way;

  bool wants(const Edge& edge) const {
    return edge.node != nullptr ? on_the_way.contains(edge.node) : index.contains(edge.leaf);
  }

  /// Marks every node from which an input can be reached. Inputs are older than outputs, so one
  /// pass in order of age sees each node after all that it leads to.
  void mark(const std::vector<Tensor>& outputs) {
    std::vector<Node*> reachable;
    std::unordered_set<const Node*> seen;
    auto visit = [&](Node* node) {
      if (node != nullptr && seen.insert(node).second) reachable.push_back(node);
    };
    for (const Tensor& output : outputs) visit(output.impl().current());
    for (std::size_t i = 0; i < reachable.size(); ++i) {
      const Node* node = reachable[i];
      for (std::uint32_t e = 0; e < node->edge_count; ++e) visit(node->edges[e].node);
    }
    std::sort(reachable.begin(), reachable.end(), younger);
    for (const Node* node : reachable) {
      const Edge* begin = node->edges;
      const Edge* end = begin + node->edge_count;
      if (index.contains(node) ||
          std::any_of(begin, end, [&](const Edge& edge) { return wants(edge); })) {
        on_the_way.insert(node);
      }
    }
  }
};

/// Where a walk begins. Holds its root, which through its edges keeps all that the walk can reach:
/// what a rule does to the caller's tensors takes nothing from under it.
struct Seed {
  Tensor root;
  Tensor gradient;
};

/// One walk over the tape. With targets, gradients are collected there and leaves stay untouched.
/// The seeds must outlive it.
class Sweep final : detail::GradientSink {
 public:
  /// With `partial`, what it finds is but a part of the targets' gradients: their hooks wait, and
  /// nothing behind them is walked.
  Sweep(const char* name, bool retain_graph, bool create_graph, Targets* targets,
        bool partial = false)
      : name_(name),
        retain_(retain_graph || create_graph),
        create_(create_graph),
        targets_(targets),
        partial_(partial),
        running_before_(detail::tape.running),
        unpacked_before_(std::exchange(detail::tape.unpacked, &unpacked_)),
        mode_(create_graph) {}

  ~Sweep() {  // after an error, nodes are still waiting
    for (Node* node : waiting_) {
      if (owns(*node)) leave(*node);
    }
    for (const auto& [node, gradient] : elsewhere_) detail::drop(gradient);
    detail::tape.running = running_before_;
    detail::tape.unpacked = unpacked_before_;
  }
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  void start(Seed& seed) {
    TensorImpl& root = seed.root.impl();
    if (Node* node = root.current()) {
      deliver_to(*node, std::move(seed.gradient));
    } else {
      deliver_to(root, std::move(seed.gradient));
    }
  }

  void run() {
    while (!waiting_.empty()) {
      std::pop_heap(waiting_.begin(), waiting_.end(), younger);
      Node& node = *waiting_.back();
      waiting_.pop_back();
      if (owns(node)) {
        struct Leave {
          Node& node;
          ~Leave() { leave(node); }
        };
        const Leave at_end{node};
        visit(node, Tensor(std::exchange(node.gradient, nullptr)));
      } else {
        visit(node, Tensor(elsewhere_.extract(&node).mapped()));
      }
      if (!hooked_.empty() || counted_) [[unlikely]]
        complete_leaves(node);
    }
    while (!hooked_.empty()) complete(*hooked_.begin()->second.leaf.get());
  }

  /// Of a walk to targets, what it found for leaves: through their hooks.
  void run_hooks_of_leaves(const std::vector<Tensor>& inputs) {
    std::unordered_set<const TensorImpl*> done;
    for (const Tensor& input : inputs) {
      GradExtras* extras = input.is_leaf() ? extras_of(input.impl()) : nullptr;
      if (extras == nullptr || !done.insert(input.get()).second) continue;
      Tensor& found = targets_->found[targets_->index.at(input.get())];
      if (found.defined()) found = through_hooks(*extras, std::move(found));
    }
  }

  /// Adds to the gradient that stands with a tensor.
  void add_to(TensorImpl& body, Tensor gradient) {
    Tensor before;  // goes when the lock is open again, as does `gradient`
    detail::GradLock slot(body);
    if (!slot.gradient.defined()) {
      slot.gradient = own(body, gradient);
    } else if (create_) {
      before = std::exchange(slot.gradient, slot.gradient.add(gradient));
    } else {
      slot.gradient.add_(gradient);
    }
  }

  /// Calls the hooks of a leaf whose gradient is complete.
  static void run_post_accumulate(const Tensor& leaf) {
    const GradExtras* extras = extras_of(leaf.impl());
    if (extras == nullptr) return;
    extras->post_accumulate->each([&](const auto& hook) { hook(leaf); });
  }

 private:
  bool owns(const Node& node) const { return node.owner.load(std::memory_order_relaxed) == this; }

  static void leave(Node& node) {
    detail::drop(std::exchange(node.gradient, nullptr));
    node.owner.store(nullptr, std::memory_order_release);
  }

  void visit(Node& node, Tensor gradient) {
    if (node.extras != nullptr && !(partial_ && targets_->index.contains(&node))) [[unlikely]]
      gradient = through_hooks(*node.extras, std::move(gradient));
    std::vector<bool> wanted;
    if (targets_ != nullptr) {
      if (auto found = targets_->index.find(&node); found != targets_->index.end()) {
        targets_->found[found->second] = gradient;
        if (partial_) return;
      }
      for (std::uint32_t i = 0; i < node.edge_count; ++i) {
        wanted.push_back(targets_->wants(node.edges[i]));
      }
      if (std::find(wanted.begin(), wanted.end(), true) == wanted.end()) return;
    }
    if (owns(node)) {
      if (node.is_spent()) fail_spent(node);
      run_rules(node, gradient, wanted);
      if (!retain_ && node.holds) release(node);
    } else {
      const Guest guest(*this, node);
      run_rules(node, gradient, wanted);
      if (!retain_ && node.holds) node.guests.fetch_or(Node::spent, std::memory_order_relaxed);
    }
  }

  /// Inside the rules of a node that another backward owns.
  class Guest {
   public:
    Guest(const Sweep& sweep, Node& node) : node_(node) {
      // The owner marks the node before it frees anything: from then on nobody enters.
      std::uint16_t guests = node.guests.load(std::memory_order_relaxed);
      do {
        if ((guests & Node::spent) != 0) sweep.fail_spent(node);
      } while (!node.guests.compare_exchange_weak(guests, static_cast<std::uint16_t>(guests + 1),
                                                  std::memory_order_acquire));
    }
    ~Guest() { node_.guests.fetch_sub(1, std::memory_order_release); }
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

   private:
    Node& node_;
  };

  /// Frees what the rules hold; with a guest inside, it stays until the node goes.
  static void release(Node& node) {
    const auto before = node.guests.fetch_or(Node::spent, std::memory_order_acq_rel);
    if ((before & ~Node::spent) != 0) return;
    node.release_rules();
    detail::drop(std::exchange(node.output, nullptr));
  }

  [[noreturn]] void fail_spent(const Node& node) const {
    fail(name_,
         "expected the graph of '{}' to be there, got one freed by an earlier backward\n"
         "help: pass {{.retain_graph = true}} to the earlier one",
         node.last_op());
  }

  void run_rules(Node& node, const Tensor& gradient, const std::vector<bool>& wanted) {
    detail::tape.running = node.last_op();
    const Tensor y = kept_output(node);
    const std::vector<bool>* only = targets_ != nullptr ? &wanted : nullptr;
    if (node.epilogue == nullptr) {
      run_op(node, gradient, y, only);
    } else {
      const Tensor before = undo_epilogue(*node.epilogue, gradient, y);
      detail::tape.running = node.name;
      run_op(node, before, {}, only);
    }
    if (!unpacked_.empty()) [[unlikely]]
      unpacked_.clear();
  }

  void run_op(Node& node, const Tensor& dy, const Tensor& y, const std::vector<bool>* only) {
    if (node.one_of_many) {
      node.run(dy, y, only, *this);
    } else {
      const detail::OpScope scope(detail::EventKind::backward, node.name);
      node.run(dy, y, only, *this);
    }
  }

  static Tensor undo_epilogue(const detail::Epilogue& epilogue, const Tensor& dy, const Tensor& y) {
    const detail::OpScope scope(detail::EventKind::backward, epilogue.name);
    return epilogue.backward(dy, y);
  }

  void send(Node& from, Size input, Tensor gradient) override {
    if (!gradient.defined()) return;
    const Edge& edge = from.edges[input];
    const Shape& shape = edge.node != nullptr ? edge.node->shape : edge.leaf->shape;
    const DType dtype = edge.node != nullptr ? edge.node->dtype : edge.leaf->dtype;
    if (gradient.dtype() != dtype) [[unlikely]] {
      fail(from.name, "expected its backward to return dtype {} for input {}, got {}", dtype, input,
           gradient.dtype());
    }
    if (gradient.shape() != shape) gradient = sum_broadcast(from, input, gradient, shape);
    if (detail::tape.detect_anomaly && has_nan(gradient.detach())) {
      fail(from.name, "expected a gradient without NaN for input {} of shape {}, got NaN{}", input,
           shape, detail::describe_origin(from));
    }
    if (edge.node != nullptr) {
      deliver_to(*edge.node, std::move(gradient));
    } else {
      deliver_to(*edge.leaf, std::move(gradient));
    }
  }

  void collect(detail::ManyNode& node, Size output, const Tensor& gradient) override {
    std::vector<Tensor>& gradients = collected_[&node];
    if (gradients.empty()) {
      gradients.resize(node.output_count);
      deliver_to(node, gradient);  // any tensor would do: the node asks for all when it runs
    }
    // The output and what stood for it in a recorded rule may both have brought one.
    Tensor& sum = gradients[static_cast<std::size_t>(output)];
    sum = sum.defined() ? sum.add(gradient) : gradient;
  }

  std::vector<Tensor> collected(detail::ManyNode& node) override {
    return std::move(collected_.extract(&node).mapped());
  }

  static Tensor sum_broadcast(const Node& from, Size input, const Tensor& gradient,
                              const Shape& shape) {
    const Shape& got = gradient.shape();
    bool broadcast = got.size() >= shape.size();
    for (Size i = 1; broadcast && i <= shape.size(); ++i) {
      const Size wanted = shape[shape.size() - i];
      broadcast = wanted == 1 || wanted == got[got.size() - i];
    }
    check(broadcast, from.name,
          "expected its backward to return shape {} or one broadcast from it for input {}, got {}",
          shape, input, got);
    return gradient.sum_to_size(shape);
  }

  void deliver_to(Node& node, Tensor gradient) {
    if (owns(node)) {
      accumulate(node.gradient, std::move(gradient));
      return;
    }
    if (!elsewhere_.empty() && elsewhere_.contains(&node)) [[unlikely]] {
      accumulate(elsewhere_[&node], std::move(gradient));
      return;
    }
    waiting_.push_back(&node);
    const void* nobody = nullptr;
    if (node.owner.compare_exchange_strong(nobody, this, std::memory_order_acquire)) [[likely]] {
      node.gradient = gradient.release();
    } else {
      TensorImpl*& place = elsewhere_[&node];
      place = gradient.release();
    }
    std::push_heap(waiting_.begin(), waiting_.end(), younger);
  }

  void deliver_to(TensorImpl& leaf, Tensor gradient) {
    if (targets_ != nullptr) {
      Tensor& slot = targets_->found[targets_->index.at(&leaf)];
      slot = slot.defined() ? slot.add(gradient) : std::move(gradient);
      return;
    }
    if (has_hooks(leaf)) [[unlikely]] {
      Hooked& hooked = hooked_[&leaf];
      if (!hooked.leaf.defined()) {
        detail::add_ref(leaf.refs);
        hooked.leaf = Tensor(&leaf);
      }
      accumulate(hooked.sum, std::move(gradient));
      return;
    }
    add_to(leaf, std::move(gradient));
  }

  /// A gradient that nobody else can see, laid out as the leaf; takes `gradient` if it is that.
  static Tensor own(const TensorImpl& leaf, Tensor& gradient) {
    if (is_own_buffer(gradient) && gradient.strides() == leaf.strides) return std::move(gradient);
    Tensor copy = detail::is_dense(leaf.shape, leaf.strides)
                      ? detail::empty_strided(leaf.shape, leaf.strides, leaf.dtype)
                      : empty(leaf.shape, {.dtype = leaf.dtype});
    {
      const NoGradGuard no_grad;
      copy.copy_(gradient);
    }
    return record("clone", std::move(copy), wrt(gradient, [](const Tensor& dy) { return dy; }));
  }

  // ---- hooks

  /// A leaf whose hooks wait for its whole gradient.
  struct Hooked {
    Tensor leaf;
    TensorImpl* sum = nullptr;
    Hooked() = default;
    ~Hooked() { detail::drop(sum); }
    Hooked(const Hooked&) = delete;
    Hooked& operator=(const Hooked&) = delete;
  };

  static GradExtras* extras_of(const TensorImpl& leaf) {
    const std::uintptr_t word = leaf.grad.load(std::memory_order_acquire);
    return (word & detail::has_extras) == 0
               ? nullptr
               : reinterpret_cast<GradExtras*>(word & detail::grad_pointer);
  }
  static bool has_hooks(const TensorImpl& leaf) {
    const GradExtras* extras = extras_of(leaf);
    return extras != nullptr && (!extras->hooks->empty() || !extras->post_accumulate->empty());
  }

  /// What the hooks make of a whole gradient; leaves a copy where the tensor retains it.
  Tensor through_hooks(GradExtras& extras, Tensor gradient) {
    extras.hooks->each([&](const auto& hook) {
      Tensor changed = hook(gradient);
      if (!changed.defined()) return;
      check(changed.shape() == gradient.shape() && changed.dtype() == gradient.dtype(),
            "register_hook",
            "expected a hook to return a gradient of shape {} and dtype {}, got {} and {}",
            gradient.shape(), gradient.dtype(), changed.shape(), changed.dtype());
      gradient = std::move(changed);
    });
    if (targets_ == nullptr && extras.retains.load(std::memory_order_relaxed)) {
      Tensor before;
      detail::GradLock slot(extras);
      before = slot.gradient;
      slot.gradient = before.defined() ? before.add(gradient) : gradient.clone();
    }
    return gradient;
  }

  /// After the visit of `node`: leaves that no other op can bring a gradient to have theirs.
  void complete_leaves(const Node& node) {
    if (!counted_) {
      count_uses();
      counted_ = true;
    } else {
      for (std::uint32_t i = 0; i < node.edge_count; ++i) {
        const auto use = uses_.find(node.edges[i].leaf);
        if (use != uses_.end()) --use->second;
      }
    }
    for (auto at = hooked_.begin(); at != hooked_.end();) {
      TensorImpl& leaf = *(at++)->second.leaf.get();
      const auto use = uses_.find(&leaf);
      if (use == uses_.end() || use->second == 0) complete(leaf);
    }
  }

  /// How many inputs of ops that are still to be visited each leaf with hooks is.
  void count_uses() {
    std::vector<const Node*> reachable;
    std::unordered_set<const Node*> seen;
    auto visit = [&](const Node* node) {
      if (node != nullptr && seen.insert(node).second) reachable.push_back(node);
    };
    for (const Node* node : waiting_) visit(node);
    for (std::size_t i = 0; i < reachable.size(); ++i) {
      for (std::uint32_t e = 0; e < reachable[i]->edge_count; ++e) {
        const Edge& edge = reachable[i]->edges[e];
        visit(edge.node);
        if (edge.leaf != nullptr && has_hooks(*edge.leaf)) ++uses_[edge.leaf];
      }
    }
  }

  void complete(TensorImpl& leaf) {
    const auto hooked = hooked_.extract(&leaf);
    GradExtras& extras = *extras_of(leaf);
    Tensor gradient(std::exchange(hooked.mapped().sum, nullptr));
    add_to(leaf, through_hooks(extras, std::move(gradient)));
    run_post_accumulate(hooked.mapped().leaf);
  }

  /// Adds to a sum on its way through the tape, which nobody can see yet.
  void accumulate(TensorImpl*& slot, Tensor gradient) {
    if (slot == nullptr) {
      slot = gradient.release();
      return;
    }
    Tensor sum(slot);
    slot = nullptr;
    if (create_ || sum.requires_grad()) {
      sum = sum.add(gradient);
    } else if (is_own_buffer(sum)) {
      sum.add_(gradient);
    } else if (is_own_buffer(gradient)) {
      gradient.add_(sum);
      sum = std::move(gradient);
    } else {
      sum = sum.add(gradient);
    }
    slot = sum.release();
  }

  const char* name_;
  bool retain_;
  bool create_;
  Targets* targets_;
  bool partial_;
  const char* running_before_;
  detail::Unpacked unpacked_;  // what the running op has saved and somebody had packed
  detail::Unpacked* unpacked_before_;
  GradModeGuard mode_;
  std::vector<Node*> waiting_;                              // a heap, the youngest on top
  std::unordered_map<const Node*, TensorImpl*> elsewhere_;  // gradients for nodes of other owners
  std::unordered_map<const Node*, std::vector<Tensor>> collected_;  // for outputs of one op
  std::unordered_map<const TensorImpl*, Hooked> hooked_;            // waiting for the rest
  std::unordered_map<const TensorImpl*, Size> uses_;                // of leaves with hooks, ahead
  bool counted_ = false;
};

void check_defined(const char* name, const char* what, std::span<const Tensor> tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    check(tensors[i].defined(), name,
          "expected {} that are tensors, got an undefined one at position {}", what, i);
  }
}

Tensor initial_gradient(const char* name, const Tensor& root, const Tensor& given) {
  if (detail::is_batched(root) || detail::is_batched(given)) detail::refuse_walk(name);
  check(root.requires_grad(), name,
        "expected a tensor that requires grad, got one with no history on the tape\n"
        "help: set requires_grad_() on its inputs, and compute it outside NoGradGuard");
  if (!given.defined()) {
    check(root.numel() == 1, name,
          "expected a tensor with one element, or a gradient for it, got shape {}", root.shape());
    return empty(root.shape(), {.dtype = root.dtype()}).fill_(1);
  }
  check(given.shape() == root.shape() && given.dtype() == root.dtype(), name,
        "expected a gradient of shape {} and dtype {}, got {} and {}", root.shape(), root.dtype(),
        given.shape(), given.dtype());
  return given;
}

/// The inputs that a walk is to find gradients of, and the way to them.
Targets targets_of(const char* name, const std::vector<Tensor>& outputs,
                   const std::vector<Tensor>& inputs) {
  check_defined(name, "inputs", inputs);
  Targets targets;
  if (detail::any_batched(inputs)) detail::refuse_walk(name);
  for (const Tensor& input : inputs) {
    check(input.requires_grad(), name,
          "expected inputs that require grad, got one of shape {} that does not", input.shape());
    targets.index.try_emplace(key_of(input), targets.index.size());
  }
  targets.found.resize(targets.index.size());
  targets.mark(outputs);
  return targets;
}

/// Walks from the seeds to the targets.
void walk_to(const Targets& targets, Sweep& sweep, std::vector<Seed>& seeds) {
  for (Seed& seed : seeds) {
    TensorImpl& root = seed.root.impl();
    Node* node = root.current();
    if (targets.wants({node, node == nullptr ? &root : nullptr})) sweep.start(seed);
  }
  sweep.run();
}

void walk_back(std::span<const Tensor> roots, const BackwardOptions& options) {
  const detail::OpScope scope("backward");
  check(!options.gradient.defined() || roots.size() == 1, "backward",
        "expected one root for a given gradient, got {}", roots.size());
  check_defined("backward", "roots", roots);
  std::vector<Seed> seeds;
  seeds.reserve(roots.size());
  for (const Tensor& root : roots) {
    seeds.push_back({root, initial_gradient("backward", root, options.gradient)});
  }
  if (options.inputs.empty()) {
    Sweep sweep("backward", options.retain_graph, options.create_graph, nullptr);
    for (Seed& seed : seeds) sweep.start(seed);
    sweep.run();
    return;
  }
  Targets targets = targets_of("backward", {roots.begin(), roots.end()}, options.inputs);
  Sweep sweep("backward", options.retain_graph, options.create_graph, &targets);
  walk_to(targets, sweep, seeds);
  sweep.run_hooks_of_leaves(options.inputs);
  for (const Tensor& input : options.inputs) {
    Tensor found = std::exchange(targets.found[targets.index.at(key_of(input))], {});
    if (!found.defined()) continue;  // not reached, or named twice
    sweep.add_to(input.impl(), std::move(found));
    Sweep::run_post_accumulate(input);
  }
}

}  // namespace

void backward(const std::vector<Tensor>& roots, const BackwardOptions& options) {
  walk_back(roots, options);
}
void Tensor::backward() const { walk_back({this, 1}, {}); }
void Tensor::backward(const BackwardOptions& options) const { walk_back({this, 1}, options); }

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const GradOptions& options) {
  const detail::OpScope scope("grad");
  check(options.grad_outputs.empty() || options.grad_outputs.size() == outputs.size(), "grad",
        "expected {} grad_outputs, one for each output, got {}", outputs.size(),
        options.grad_outputs.size());
  check_defined("grad", "outputs", outputs);
  Targets targets = targets_of("grad", outputs, inputs);
  std::vector<Seed> seeds;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Tensor given = options.grad_outputs.empty() ? Tensor() : options.grad_outputs[i];
    seeds.push_back({outputs[i], initial_gradient("grad", outputs[i], given)});
  }
  {
    Sweep sweep("grad", options.retain_graph, options.create_graph, &targets);
    walk_to(targets, sweep, seeds);
    sweep.run_hooks_of_leaves(inputs);
  }
  std::vector<Tensor> gradients;
  for (const Tensor& input : inputs) {
    const Tensor& found = targets.found[targets.index.at(key_of(input))];
    gradients.push_back(found.defined() ? found
                                        : empty(input.shape(), {.dtype = input.dtype()}).zero_());
  }
  return gradients;
}

std::vector<Tensor> detail::gradients_at(const std::vector<Tensor>& roots,
                                         const std::vector<Tensor>& gradients,
                                         const std::vector<Edge>& edges, bool create_graph) {
  Targets targets;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const Edge& edge = edges[i];
    targets.index.emplace(edge.node != nullptr ? static_cast<const void*>(edge.node) : edge.leaf,
                          i);
  }
  targets.found.resize(edges.size());
  targets.mark(roots);
  std::vector<Seed> seeds;
  for (std::size_t i = 0; i < roots.size(); ++i) seeds.push_back({roots[i], gradients[i]});
  Sweep sweep("backward", false, create_graph, &targets, true);
  walk_to(targets, sweep, seeds);
  return std::move(targets.found);
}

}  // namespace reel
