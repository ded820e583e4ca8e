#include "reel/autograd/detail/node.h"

#include <algorithm>
#include <utility>

#include "reel/autograd/saved_tensors_hooks.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"

namespace reel::detail {

constinit thread_local TapeState tape;

namespace {

/// One output of an op with several.
class OutputNode final : public Node {
 public:
  OutputNode(const char* op, const Tensor& out, ManyNode& from, Size which) : which_(which) {
    name = op;
    one_of_many = true;
    edge_count = 1;
    edges = &edge_;
    edge_.node = &from;
    add_ref(from.refs);
    age = from.age;
    describe_output(*this, out, false);
  }

  void run(const Tensor& dy, const Tensor&, const std::vector<bool>*, GradientSink& sink) override {
    sink.collect(static_cast<ManyNode&>(*edge_.node), which_, dy);
  }
  void release_rules() noexcept override {}

 protected:
  void destruct() noexcept override { this->~OutputNode(); }

 private:
  Edge edge_;
  Size which_;
};

struct DeadNodes {
  Node* head;
  bool freeing;
};
constinit thread_local DeadNodes dead{};

}  // namespace

void destroy(Node* node) noexcept {
  // Freeing a node drops its inputs, whose nodes may then be free too, and so on down the tape:
  // they queue up here, so that a chain of a million ops needs no deeper a stack than one.
  node->next_dead = dead.head;
  dead.head = node;
  if (dead.freeing) return;
  dead.freeing = true;
  while (Node* next = dead.head) {
    dead.head = next->next_dead;
    for (std::uint32_t i = 0; i < next->edge_count; ++i) {
      drop(next->edges[i].node);
      drop(next->edges[i].leaf);
    }
    drop(next->gradient);
    drop(next->output);
    drop(next->extras);
    if (next->has_origin) forget_origin(*next);
    const std::size_t bytes = next->bytes;
    next->destruct();
    deallocate(next, bytes);
  }
  dead.freeing = false;
}

void describe_output(Node& node, const Tensor& out, bool keep) {
  node.shape = out.shape();
  node.dtype = out.dtype();
  if (keep) {
    node.output = alias(out, out.shape(), out.strides()).release();
    node.output_version = out.version();
  }
}

Tensor kept_output(Node& node) {
  if (node.output == nullptr) return {};
  add_ref(node.output->refs);
  Tensor kept(node.output);
  if (kept.version() != node.output_version) [[unlikely]]
    kept = Tensor(unpacked(kept));
  if (!grad_enabled()) return kept;
  Tensor on_tape = alias(kept, kept.shape(), kept.strides());
  add_ref(node.refs);
  on_tape.impl().node = &node;
  on_tape.impl().followed = Followed::yes;
  return on_tape;
}

std::vector<bool> needs_of(const Node& node, const std::vector<bool>* wanted) {
  std::vector<bool> needs(node.edge_count);
  for (std::size_t i = 0; i < needs.size(); ++i) {
    needs[i] = node.edges[i].needed() && (wanted == nullptr || (*wanted)[i]);
  }
  return needs;
}

void send_all(Node& node, const std::vector<bool>& needs, std::vector<Tensor> gradients,
              GradientSink& sink) {
  if (gradients.size() != needs.size()) wrong_gradient_count(node, gradients.size());
  for (std::size_t i = 0; i < needs.size(); ++i) {
    if (needs[i]) sink.send(node, static_cast<Size>(i), std::move(gradients[i]));
  }
}

ManyNode::ManyNode(const char* op, const std::vector<Tensor>& inputs,
                   std::span<const Tensor> outputs, bool keep_outputs)
    : output_count(static_cast<std::uint32_t>(outputs.size())), edges_(inputs.size()) {
  name = op;
  edge_count = static_cast<std::uint32_t>(edges_.size());
  edges = edges_.data();
  for (std::size_t i = 0; i < inputs.size(); ++i) connect(*this, edges_[i], inputs[i]);
  if (!keep_outputs) return;
  for (const Tensor& out : outputs) {
    outputs_.push_back(save(alias(out, out.shape(), out.strides())));
  }
}

ManyNode::ManyNode(const char* op, const std::vector<Edge>& inputs, std::size_t outputs)
    : output_count(static_cast<std::uint32_t>(outputs)), edges_(inputs) {
  name = op;
  edge_count = static_cast<std::uint32_t>(edges_.size());
  edges = edges_.data();
  for (const Edge& edge : edges_) {
    if (edge.node != nullptr) {
      add_ref(edge.node->refs);
      if (edge.node->age > age) age = edge.node->age;
    } else {
      add_ref(edge.leaf->refs);
    }
  }
}

std::vector<Tensor> ManyNode::kept_outputs() {
  std::vector<Tensor> kept;
  for (const Tensor& out : outputs_) kept.push_back(alias(out, out.shape(), out.strides()));
  if (grad_enabled()) {
    add_ref(refs);
    attach_outputs(kept, this);
  }
  return kept;
}

void ManyNode::drop_outputs() noexcept { outputs_.clear(); }

void ManyNode::show_outputs() const { [[maybe_unused]] const std::vector<Saved> copies = outputs_; }

void visit_saved(const Node& node, SavedVisitor& visitor) {
  struct Restore {
    SavedVisitor* outer;
    ~Restore() { tape.visitor = outer; }
  };
  const Restore at_end{std::exchange(tape.visitor, &visitor)};
  node.copy_rules();
}

std::vector<Tensor> saved_by(const Node& node) {
  struct Collector final : SavedVisitor {
    std::vector<Tensor> seen;
    void visit(const Saved& saved) override { seen.push_back(saved.held()); }
  };
  Collector collector;
  std::vector<Tensor>& seen = collector.seen;
  if (node.output != nullptr) {
    add_ref(node.output->refs);
    seen.push_back(Tensor(node.output));
  }
  visit_saved(node, collector);
  std::vector<Tensor> once;
  for (Tensor& tensor : seen) {
    const auto same = [&](const Tensor& other) {
      return other.get() == tensor.get() ||
             (other.impl().data == tensor.impl().data && other.shape() == tensor.shape());
    };
    if (std::none_of(once.begin(), once.end(), same)) once.push_back(std::move(tensor));
  }
  return once;
}

void look_after(Node& node) {
  if (tape.detect_anomaly) keep_origin(node);
  if (tape.packing != nullptr) pack_saved(node);
}

void attach_outputs(std::span<Tensor> outputs, ManyNode* node) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].is_floating_point()) continue;
    attach(outputs[i], make_node<OutputNode>(node->name, outputs[i], *node, static_cast<Size>(i)));
  }
  drop(node);
}

void changed_in_place(const Tensor& tensor) {
  const char* writer = tensor.impl().storage->last_writer.load(std::memory_order_relaxed);
  fail(tape.running != nullptr ? tape.running : "backward",
       "expected the tensor of shape {} that it saved for backward unchanged, got one changed in "
       "place{}\nhelp: change a clone(), or change it after backward()",
       tensor.shape(), writer != nullptr ? fmt::format(" by '{}'", writer) : "");
}

void already_recorded(const char* op) {
  fail(op,
       "expected a new tensor as the output to record, got one that requires grad\n"
       "help: an op must not return its input; return a view or a copy of it");
}

void captured_output(const char* op) {
  fail(op,
       "expected a rule that does not capture the op's own output, got one that does\n"
       "help: take it as the rule's second parameter: [](const Tensor& dy, const Tensor& y)");
}

void undefined_output(const char* op) {
  fail(op, "expected a tensor as the output to record, got an undefined one");
}

void wrong_gradient_count(const Node& node, std::size_t got) {
  fail(node.name, "expected its backward to return {} gradients, one for each input, got {}",
       node.edge_count, got);
}

bool any_requires_grad(const std::vector<Tensor>& tensors) {
  for (const Tensor& tensor : tensors) {
    if (tensor.requires_grad()) return true;
  }
  return false;
}

}  // namespace reel::detail
