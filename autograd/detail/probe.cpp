#include "reel/autograd/detail/probe.h"

#include <unordered_set>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"

namespace reel::detail {
namespace {

/// Whether the tensor comes from a leaf other than `origin`.
bool comes_from_others(const Tensor& tensor, const Tensor& origin) {
  if (tensor.is_leaf()) return true;
  std::vector<const Node*> waiting{tensor.impl().current()};
  std::unordered_set<const Node*> seen;
  while (!waiting.empty()) {
    const Node& node = *waiting.back();
    waiting.pop_back();
    for (std::uint32_t i = 0; i < node.edge_count; ++i) {
      const Edge& edge = node.edges[i];
      if (edge.leaf != nullptr && edge.leaf != origin.get()) return true;
      if (edge.node != nullptr && seen.insert(edge.node).second) waiting.push_back(edge.node);
    }
  }
  return false;
}

}  // namespace

Probe::Probe(const char* op) : op_(op), recording_(grad_enabled()) {}

Tensor Probe::lend(Tensor dy) {
  if (!recording_ || !dy.defined() || !dy.is_floating_point() || dy.requires_grad()) return dy;
  if (!origin_.defined()) origin_ = Tensor(0.0).requires_grad_();
  // Nothing comes back to the origin: a walk that gets here has arrived at a constant.
  return record("lent", dy.detach(), wrt(origin_, [](const Tensor&) { return Tensor(); }));
}

void Probe::check(std::vector<Tensor>& gradients, const std::vector<bool>& needed,
                  const char* help) const {
  if (!recording_ || gradients.size() != needed.size()) return;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    Tensor& gradient = gradients[i];
    if (!needed[i] || !gradient.defined()) continue;
    reel::check(gradient.requires_grad(), op_,
                "expected its backward to stay on the tape under create_graph, got a gradient for "
                "input {} that does not come from the one it was given\nhelp: {}",
                i, help);
    if (origin_.defined() && !comes_from_others(gradient, origin_)) gradient = gradient.detach();
  }
}

}  // namespace reel::detail
