#include "reel/autograd/detail/node.h"

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"

namespace reel::detail {

constinit thread_local TapeState tape;

namespace {

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
  if (kept.version() != node.output_version) changed_in_place(kept);
  if (!grad_enabled()) return kept;
  Tensor on_tape = alias(kept, kept.shape(), kept.strides());
  add_ref(node.refs);
  on_tape.impl().node = &node;
  on_tape.impl().requires_grad = true;
  return on_tape;
}

void changed_in_place(const Tensor& tensor) {
  fail(tape.running != nullptr ? tape.running : "backward",
       "expected the tensor of shape {} that it saved for backward unchanged, got one changed in "
       "place\nhelp: change a clone(), or change it after backward()",
       tensor.shape());
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
