// The backward pass: visits recorded ops from the youngest to the oldest. It knows no op: what it
// does with gradients are methods of tensors.

#include <algorithm>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "reel/autograd/detail/grad_lock.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"

namespace reel {
namespace {

using detail::Edge;
using detail::Node;
using detail::TensorImpl;

bool has_nan(const Tensor& x) { return x.ne(x).any().item<bool>(); }

bool younger(const Node* a, const Node* b) { return a->age < b->age; }

/// Nobody else can see these elements, and they lie densely: they may be overwritten.
bool is_own_buffer(const Tensor& tensor) {
  const TensorImpl& impl = tensor.impl();
  return impl.refs.load(std::memory_order_acquire) == 1 &&
         impl.storage->refs.load(std::memory_order_acquire) == 1 &&
         impl.storage->foreign == nullptr && !impl.is_number &&
         (impl.contiguous || detail::is_dense(impl.shape, impl.strides));
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
    for (const Tensor& output : outputs) visit(output.impl().node);
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
  Sweep(const char* name, bool retain_graph, bool create_graph, Targets* targets)
      : name_(name),
        retain_(retain_graph || create_graph),
        create_(create_graph),
        targets_(targets),
        running_before_(detail::tape.running),
        mode_(create_graph) {}

  ~Sweep() {  // after an error, nodes are still waiting
    for (Node* node : waiting_) {
      if (owns(*node)) leave(*node);
    }
    for (const auto& [node, gradient] : elsewhere_) detail::drop(gradient);
    detail::tape.running = running_before_;
  }
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  void start(Seed& seed) {
    TensorImpl& root = seed.root.impl();
    if (root.node != nullptr) {
      deliver_to(*root.node, std::move(seed.gradient));
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
        const Tensor gradient(elsewhere_.extract(&node).mapped());
        visit(node, gradient);
      }
    }
  }

 private:
  bool owns(const Node& node) const { return node.owner.load(std::memory_order_relaxed) == this; }

  static void leave(Node& node) {
    detail::drop(std::exchange(node.gradient, nullptr));
    node.owner.store(nullptr, std::memory_order_release);
  }

  void visit(Node& node, const Tensor& gradient) {
    std::vector<bool> wanted;
    if (targets_ != nullptr) {
      if (auto found = targets_->index.find(&node); found != targets_->index.end()) {
        targets_->found[found->second] = gradient;
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
         node.name);
  }

  void run_rules(Node& node, const Tensor& gradient, const std::vector<bool>& wanted) {
    detail::tape.running = node.name;
    const detail::OpScope scope(detail::EventKind::backward, node.name);
    node.run(gradient, kept_output(node), targets_ != nullptr ? &wanted : nullptr, *this);
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
      fail(from.name, "expected a gradient without NaN for input {} of shape {}, got NaN", input,
           shape);
    }
    if (edge.node != nullptr) {
      deliver_to(*edge.node, std::move(gradient));
    } else {
      deliver_to(*edge.leaf, std::move(gradient));
    }
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
    Tensor before;  // goes when the lock is open again, as does `gradient`
    detail::GradLock slot(leaf);
    if (!slot.gradient.defined()) {
      slot.gradient = own(leaf, gradient);
    } else if (create_) {
      before = std::exchange(slot.gradient, slot.gradient.add(gradient));
    } else {
      slot.gradient.add_(gradient);
    }
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

  /// Adds to a sum on its way through the tape, which nobody can see yet.
  void accumulate(TensorImpl*& slot, Tensor gradient) {
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
  const char* running_before_;
  GradModeGuard mode_;
  std::vector<Node*> waiting_;                              // a heap, the youngest on top
  std::unordered_map<const Node*, TensorImpl*> elsewhere_;  // gradients for nodes of other owners
};

void check_defined(const char* name, const char* what, std::span<const Tensor> tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    check(tensors[i].defined(), name,
          "expected {} that are tensors, got an undefined one at position {}", what, i);
  }
}

Tensor initial_gradient(const char* name, const Tensor& root, const Tensor& given) {
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
  Sweep sweep("backward", options.retain_graph, options.create_graph, nullptr);
  for (Seed& seed : seeds) sweep.start(seed);
  sweep.run();
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
  check_defined("grad", "inputs", inputs);
  Targets targets;
  for (const Tensor& input : inputs) {
    check(input.requires_grad(), "grad",
          "expected inputs that require grad, got one of shape {} that does not", input.shape());
    const void* key = input.is_leaf() ? static_cast<const void*>(input.get()) : input.impl().node;
    targets.index.try_emplace(key, targets.index.size());
  }
  targets.found.resize(targets.index.size());
  targets.mark(outputs);

  std::vector<Seed> seeds;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Tensor given = options.grad_outputs.empty() ? Tensor() : options.grad_outputs[i];
    seeds.push_back({outputs[i], initial_gradient("grad", outputs[i], given)});
  }
  {
    Sweep sweep("grad", options.retain_graph, options.create_graph, &targets);
    for (Seed& seed : seeds) {
      TensorImpl& root = seed.root.impl();
      if (targets.wants({root.node, root.node == nullptr ? &root : nullptr})) sweep.start(seed);
    }
    sweep.run();
  }

  std::vector<Tensor> gradients;
  for (const Tensor& input : inputs) {
    const void* key = input.is_leaf() ? static_cast<const void*>(input.get()) : input.impl().node;
    const Tensor& found = targets.found[targets.index.at(key)];
    gradients.push_back(found.defined() ? found
                                        : empty(input.shape(), {.dtype = input.dtype()}).zero_());
  }
  return gradients;
}

}  // namespace reel
