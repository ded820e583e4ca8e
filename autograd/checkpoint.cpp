#include "reel/autograd/checkpoint.h"

#include <algorithm>
#include <unordered_set>

#include "reel/autograd/detail/generator_scope.h"
#include "reel/autograd/detail/walk.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"

namespace reel::detail {
namespace {

using Run = std::function<std::vector<Tensor>()>;

/// Where what came out of a run came from: the leaves and the ops before `begin` that its ops took
/// inputs from, each once.
std::vector<Edge> origins(const std::vector<Tensor>& outputs, std::uint64_t begin) {
  std::vector<Edge> found;
  std::vector<const Node*> inside;
  std::unordered_set<const void*> seen;
  const auto visit = [&](const Edge& edge) {
    const void* key = edge.node != nullptr ? static_cast<const void*>(edge.node) : edge.leaf;
    if (!edge.needed() || !seen.insert(key).second) return;
    if (edge.node != nullptr && edge.node->age > begin) {
      inside.push_back(edge.node);
    } else {
      found.push_back(edge);
    }
  };
  for (const Tensor& out : outputs) {
    if (!out.requires_grad()) continue;
    Node* node = out.impl().current();
    visit({node, node == nullptr ? out.get() : nullptr});
  }
  for (std::size_t i = 0; i < inside.size(); ++i) {
    for (std::uint32_t e = 0; e < inside[i]->edge_count; ++e) visit(inside[i]->edges[e]);
  }
  return found;
}

/// Runs the function again instead of having saved anything.
class CheckpointNode final : public ManyNode {
 public:
  CheckpointNode(const char* op, const std::vector<Edge>& from, const std::vector<Tensor>& outputs,
                 Run&& run, const Generator::State& random)
      : ManyNode(op, from, outputs.size()), again_(std::move(run)), random_(random) {
    holds = true;
    for (const Tensor& out : outputs) shapes_.push_back(out.shape());
    for (const Edge& edge : from) versions_.push_back(edge.leaf != nullptr ? version(edge) : 0);
  }

  void run(const Tensor&, const Tensor&, const std::vector<bool>* wanted,
           GradientSink& sink) override {
    const std::vector<Tensor> dy = sink.collected(*this);
    const bool create_graph = grad_enabled();
    check_leaves();
    std::vector<Tensor> roots, gradients;
    {
      const EnableGradGuard record;
      const GeneratorScope same_numbers(random_);
      const std::vector<Tensor> y = again_();
      check(y.size() == shapes_.size(), name,
            "expected a function that gives {} tensors again, got {}", shapes_.size(), y.size());
      for (std::size_t i = 0; i < y.size(); ++i) {
        check(y[i].defined() && y[i].shape() == shapes_[i], name,
              "expected a function that gives a tensor of shape {} again, got {}", shapes_[i],
              y[i].defined() ? y[i].shape() : Shape{});
        if (!dy[i].defined() || !y[i].requires_grad()) continue;
        roots.push_back(y[i]);
        gradients.push_back(dy[i]);
      }
    }
    const std::vector<bool> needs = needs_of(*this, wanted);
    std::vector<Edge> targets;
    for (std::size_t i = 0; i < needs.size(); ++i) {
      if (needs[i]) targets.push_back(edges[i]);
    }
    std::vector<Tensor> found = gradients_at(roots, gradients, targets, create_graph);
    std::size_t next = 0;
    for (std::size_t i = 0; i < needs.size(); ++i) {
      if (needs[i]) sink.send(*this, static_cast<Size>(i), std::move(found[next++]));
    }
  }

  void release_rules() noexcept override { again_ = nullptr; }

 protected:
  void destruct() noexcept override { this->~CheckpointNode(); }

 private:
  static std::uint32_t version(const Edge& leaf) {
    return leaf.leaf->storage->version.load(std::memory_order_relaxed);
  }

  void check_leaves() const {
    for (std::size_t i = 0; i < versions_.size(); ++i) {
      if (edges[i].leaf == nullptr || version(edges[i]) == versions_[i]) continue;
      add_ref(edges[i].leaf->refs);
      changed_in_place(Tensor(edges[i].leaf));
    }
  }

  Run again_;
  Generator::State random_;
  std::vector<Shape> shapes_;            // of the outputs
  std::vector<std::uint32_t> versions_;  // of the leaves among the inputs
};

}  // namespace

std::vector<Tensor> checkpoint(Run run, const std::vector<Tensor>& inputs) {
  if (!grad_enabled()) return run();
  for (const Tensor& x : inputs) {  // which may come from another thread, with a later age
    const Node* node = x.requires_grad() ? x.impl().current() : nullptr;
    if (node != nullptr) tape.age = std::max(tape.age, node->age);
  }
  const std::uint64_t begin = tape.age;
  const Generator::State random = default_generator().state();
  std::vector<Tensor> outputs = run();
  for (const Tensor& out : outputs) {
    if (!out.defined()) undefined_output("checkpoint");
  }
  const std::vector<Edge> from = origins(outputs, begin);
  if (from.empty()) return outputs;
  auto* node = make_node<CheckpointNode>("checkpoint", from, outputs, std::move(run), random);
  set_age(*node);
  // Only now: with the tensors goes the graph that they came from.
  for (Tensor& out : outputs) out = alias(out, out.shape(), out.strides());
  attach_outputs(outputs, node);
  return outputs;
}

}  // namespace reel::detail
