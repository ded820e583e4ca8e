// The backward pass: visits recorded ops from the youngest to the oldest.

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "reel/autograd/detail/op_scope.h"
#include "reel/autograd/fail.h"
#include "reel/autograd/ops.h"
#include "reel/autograd/tape.h"

namespace reel {
namespace {

using detail::Edge;
using detail::Node;
using detail::TensorImpl;

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

/// One walk over the tape. With targets, gradients are collected there and leaves stay untouched.
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
      detail::drop(std::exchange(node->gradient, nullptr));
      node->sweep.store(nullptr, std::memory_order_release);
      detail::drop(node);
    }
    detail::tape.running = running_before_;
  }
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  void seed(const Tensor& root, Tensor gradient) {
    TensorImpl& impl = root.impl();
    if (impl.node != nullptr) {
      deliver_to(*impl.node, std::move(gradient));
    } else {
      deliver_to(impl, std::move(gradient));
    }
  }

  void run() {
    while (!waiting_.empty()) {
      std::pop_heap(waiting_.begin(), waiting_.end(), younger);
      Node* node = waiting_.back();
      struct Finish {
        Sweep& sweep;
        Node* node;
        ~Finish() {
          node->sweep.store(nullptr, std::memory_order_release);
          detail::drop(node);
        }
      };
      waiting_.pop_back();
      const Finish finish{*this, node};
      visit(*node, Tensor(std::exchange(node->gradient, nullptr)));
    }
  }

 private:
  void visit(Node& node, Tensor gradient) {
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
    if (node.released) {
      fail(name_,
           "expected the graph of '{}' to be there, got one freed by an earlier backward\n"
           "help: pass {{.retain_graph = true}} to the earlier one",
           node.name);
    }
    detail::tape.running = node.name;
    const detail::OpScope scope(detail::EventKind::backward, node.name);
    node.run(gradient, kept_output(node), targets_ != nullptr ? &wanted : nullptr, *this);
    if (!retain_) {
      node.released = true;
      node.release_rules();
      detail::drop(std::exchange(node.output, nullptr));
    }
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
    if (detail::tape.detect_anomaly && isnan(gradient.detach()).any().item<bool>()) {
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
    return sum_to_size(gradient, shape);
  }

  void deliver_to(Node& node, Tensor gradient) {
    if (node.gradient != nullptr && node.sweep.load(std::memory_order_relaxed) == this) {
      accumulate(node.gradient, std::move(gradient));
      return;
    }
    const void* nobody = nullptr;
    if (!node.sweep.compare_exchange_strong(nobody, this, std::memory_order_acq_rel)) {
      fail(name_, "expected '{}' to be free, got a graph that another backward is walking",
           node.name);
    }
    node.gradient = gradient.release();
    detail::add_ref(node.refs);
    waiting_.push_back(&node);
    std::push_heap(waiting_.begin(), waiting_.end(), younger);
  }

  void deliver_to(TensorImpl& leaf, Tensor gradient) {
    if (targets_ != nullptr) {
      Tensor& slot = targets_->found[targets_->index.at(&leaf)];
      slot = slot.defined() ? add(slot, gradient) : std::move(gradient);
    } else if (leaf.grad != nullptr) {
      accumulate(leaf.grad, std::move(gradient));
    } else if (create_ || (is_own_buffer(gradient) && gradient.strides() == leaf.strides)) {
      leaf.grad = gradient.release();
    } else {
      Tensor own = detail::is_dense(leaf.shape, leaf.strides)
                       ? detail::empty_strided(leaf.shape, leaf.strides, leaf.dtype)
                       : empty(leaf.shape, {.dtype = leaf.dtype});
      own.copy_(gradient);
      leaf.grad = own.release();
    }
  }

  void accumulate(TensorImpl*& slot, Tensor gradient) {
    Tensor sum(slot);
    slot = nullptr;
    if (create_ || sum.requires_grad()) {
      sum = add(sum, gradient);
    } else if (is_own_buffer(sum)) {
      sum.add_(gradient);
    } else if (is_own_buffer(gradient)) {
      gradient.add_(sum);
      sum = std::move(gradient);
    } else {
      sum = add(sum, gradient);
    }
    slot = sum.release();
  }

  const char* name_;
  bool retain_;
  bool create_;
  Targets* targets_;
  const char* running_before_;
  GradModeGuard mode_;
  std::vector<Node*> waiting_;  // a heap, the youngest on top; holds a reference to each
};

Tensor initial_gradient(const char* name, const Tensor& root, const Tensor& given) {
  check(root.requires_grad(), name,
        "expected a tensor that requires grad, got one with no history on the tape\n"
        "help: set requires_grad_() on its inputs, and compute it outside NoGradGuard");
  if (!given.defined()) {
    check(root.numel() == 1, name,
          "expected a tensor with one element, or a gradient for it, got shape {}", root.shape());
    return ones(root.shape(), {.dtype = root.dtype()});
  }
  check(given.shape() == root.shape() && given.dtype() == root.dtype(), name,
        "expected a gradient of shape {} and dtype {}, got {} and {}", root.shape(), root.dtype(),
        given.shape(), given.dtype());
  return given;
}

}  // namespace

void backward(const std::vector<Tensor>& roots, const BackwardOptions& options) {
  const detail::OpScope scope("backward");
  check(!options.gradient.defined() || roots.size() == 1, "backward",
        "expected one root for a given gradient, got {}", roots.size());
  std::vector<Tensor> seeds;
  for (const Tensor& root : roots) {
    seeds.push_back(initial_gradient("backward", root, options.gradient));
  }
  Sweep sweep("backward", options.retain_graph, options.create_graph, nullptr);
  for (std::size_t i = 0; i < roots.size(); ++i) sweep.seed(roots[i], std::move(seeds[i]));
  sweep.run();
}

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const GradOptions& options) {
  const detail::OpScope scope("grad");
  check(options.grad_outputs.empty() || options.grad_outputs.size() == outputs.size(), "grad",
        "expected {} grad_outputs, one for each output, got {}", outputs.size(),
        options.grad_outputs.size());
  Targets targets;
  for (const Tensor& input : inputs) {
    check(input.requires_grad(), "grad",
          "expected inputs that require grad, got one of shape {} that does not", input.shape());
    const void* key = input.is_leaf() ? static_cast<const void*>(input.get()) : input.impl().node;
    targets.index.try_emplace(key, targets.index.size());
  }
  targets.found.resize(targets.index.size());
  targets.mark(outputs);

  std::vector<Tensor> seeds;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    seeds.push_back(initial_gradient(
        "grad", outputs[i], options.grad_outputs.empty() ? Tensor() : options.grad_outputs[i]));
  }
  {
    Sweep sweep("grad", options.retain_graph, options.create_graph, &targets);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const TensorImpl& root = outputs[i].impl();
      if (targets.wants({root.node, root.node == nullptr ? outputs[i].get() : nullptr})) {
        sweep.seed(outputs[i], std::move(seeds[i]));
      }
    }
    sweep.run();
  }

  std::vector<Tensor> gradients;
  for (const Tensor& input : inputs) {
    const void* key = input.is_leaf() ? static_cast<const void*>(input.get()) : input.impl().node;
    const Tensor& found = targets.found[targets.index.at(key)];
    gradients.push_back(found.defined() ? found : zeros(input.shape(), {.dtype = input.dtype()}));
  }
  return gradients;
}

}  // namespace reel
