#include "reel/func/detail/trace.h"

#include <unordered_set>

#include "reel/autograd/detail/give_away.h"
#include "reel/base/fail.h"
#include "reel/ops/create/create.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"

namespace reel::func::detail {
namespace {

using reel::detail::Node;

/// The same tensor at another place on the tape.
Tensor alias_of(const Tensor& x) {
  return record("alias", reel::detail::alias(x, x.shape(), x.strides()),
                wrt(x, [](const Tensor& dy) { return dy; }));
}

/// Whether the tape leads from `outputs` to something but the `inputs`.
bool leads_elsewhere(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs) {
  std::unordered_set<const Node*> seen;
  std::vector<const Node*> ahead;
  for (const Tensor& input : inputs)
    if (input.requires_grad()) seen.insert(input.impl().current());
  const auto leads_to_leaf = [&](const Node* node, bool needed) {
    if (node == nullptr) return needed;
    if (seen.insert(node).second) ahead.push_back(node);
    return false;
  };
  for (const Tensor& output : outputs)
    if (leads_to_leaf(output.impl().current(), output.requires_grad())) return true;
  while (!ahead.empty()) {
    const Node* node = ahead.back();
    ahead.pop_back();
    for (std::uint32_t i = 0; i < node->edge_count; ++i)
      if (leads_to_leaf(node->edges[i].node, node->edges[i].needed())) return true;
  }
  return false;
}

/// The gradients of `outputs`, weighted by `cotangents` as far as there are any, at `inputs`; zeros
/// where there is no way. With `followed` they are on the tape if the caller records.
std::vector<Tensor> gradients(const std::vector<Tensor>& outputs,
                              const std::vector<Tensor>& cotangents,
                              const std::vector<Tensor>& inputs, bool followed, Walk walk) {
  std::vector<Tensor> roots, weights, wanted;
  bool record = walk == Walk::record || (followed && grad_enabled());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].requires_grad() || !cotangents[i].defined()) continue;
    roots.push_back(outputs[i]);
    weights.push_back(cotangents[i]);
    record = record || (grad_enabled() && cotangents[i].requires_grad());
  }
  for (const Tensor& input : inputs)
    if (input.requires_grad()) wanted.push_back(input);
  std::vector<Tensor> found;
  if (!roots.empty()) {
    found = reel::grad(roots, wanted,
                       {.grad_outputs = std::move(weights),
                        .retain_graph = walk != Walk::last,
                        .create_graph = record});
  }
  std::vector<Tensor> all;
  auto next = found.begin();
  for (const Tensor& input : inputs) {
    all.push_back(next != found.end() && input.requires_grad()
                      ? std::move(*next++)
                      : zeros(input.shape(), {.dtype = input.dtype()}));
  }
  return all;
}

}  // namespace

Trace::Trace(const char* name, const std::vector<std::vector<Leaf>>& arguments)
    : name_(name), outside_(grad_enabled()) {
  const EnableGradGuard record_inputs;
  bool any = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    check(
        !arguments[i].empty(), name,
        "expected arguments with floating tensors inside, got none in number {} of those to "
        "differentiate with respect to\n"
        "help: what a module trains is an nn::Parameter; to leave an argument out, say the numbers "
        "of the others, as in {}<1>(f)",
        i, name);
    arguments_.emplace_back();
    for (const Leaf& leaf : arguments[i]) {
      inputs_.push_back(follow(leaf));
      versions_.push_back(inputs_.back().version());
      arguments_.back().push_back(inputs_.back());
      any = any || inputs_.back().requires_grad();
    }
  }
  check(any, name,
        "expected a parameter that requires a gradient, got frozen ones only\n"
        "help: nn::requires_grad_(module)");
}

Tensor Trace::follow(const Leaf& leaf) {
  const Tensor& x = leaf.tensor;
  check(x.defined(), name_, "expected arguments that are tensors, got an undefined one");
  check(x.is_floating_point(), name_,
        "expected floating tensors to differentiate with respect to, got {} of shape {}\n"
        "help: convert it, x.to(float32), or leave it out: {}<1>(f) is with respect to argument 1",
        x.dtype(), x.shape(), name_);
  if (leaf.is_frozen()) return x.detach();
  if (outside_ && x.requires_grad() && !leaf.is_by_value()) {
    followed_ = true;
    return alias_of(x);
  }
  return alias_of(x.detach().requires_grad_());
}

void Trace::finish(std::vector<Tensor> outputs, const std::vector<Tensor>& others) {
  for (const Tensor& y : outputs) {
    check(y.defined(), name_, "expected a function that returns tensors, got an undefined one");
    check(y.is_floating_point(), name_,
          "expected a function that returns floating tensors, got {} of shape {}", y.dtype(),
          y.shape());
  }
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    check(
        inputs_[i].version() == versions_[i], name_,
        "expected a function that leaves its arguments as they are, got one that changes a "
        "tensor of shape {} in place\nhelp: let it change a clone(); of a module differentiate the "
        "parameters only, not the buffers",
        inputs_[i].shape());
  }
  followed_ = outside_ &&
              (followed_ || leads_elsewhere(outputs, inputs_) || leads_elsewhere(others, inputs_));
  outputs_ = std::move(outputs);
}

std::vector<Tensor> Trace::pull(const std::vector<Tensor>& cotangents, Walk walk) const {
  return pull(outputs_, cotangents, walk);
}

std::vector<Tensor> Trace::pull(const std::vector<Tensor>& outputs,
                                const std::vector<Tensor>& cotangents, Walk walk) const {
  return gradients(outputs, cotangents, inputs_, followed_, walk);
}

void Trace::check_like(const char* what, const std::vector<Tensor>& given,
                       const std::vector<Tensor>& wanted) const {
  check(given.size() == wanted.size(), name_, "expected {} {}s, one for each tensor, got {}",
        wanted.size(), what, given.size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    check(given[i].defined(), name_, "expected {}s that are tensors, got an undefined one at {}",
          what, i);
    check(given[i].shape() == wanted[i].shape() && given[i].dtype() == wanted[i].dtype(), name_,
          "expected a {} of shape {} and dtype {} at {}, got {} and {}", what, wanted[i].shape(),
          wanted[i].dtype(), i, given[i].shape(), given[i].dtype());
  }
}

void check_loss(const char* name, const Tensor& loss) {
  check(loss.numel() == 1, name,
        "expected a function that returns a tensor with one element, got shape {}\n"
        "help: sum() or mean() it; func::jacrev differentiates more than one",
        loss.shape());
}

std::vector<Tensor> own(std::vector<Tensor> gradients) {
  for (Tensor& gradient : gradients) {
    if (gradient.requires_grad()) {
      gradient = alias_of(gradient);
    } else if (!reel::detail::is_own_buffer(gradient)) {
      gradient = gradient.clone();
    }
  }
  return gradients;
}

Linearization::Linearization(const Trace& trace) : followed_(trace.is_followed()) {
  for (const Tensor& y : trace.outputs()) {
    // Ones, not zeros: a rule that has left the tape shows in what it returns.
    u_.push_back(ones_like(y).requires_grad_(y.requires_grad()));
  }
  pulled_ = trace.pull(u_, Walk::record);
  for (std::size_t i = 0; i < pulled_.size(); ++i) {
    check(pulled_[i].requires_grad() || !pulled_[i].ne(0).any().item<bool>(), trace.name(),
          "expected ops whose gradients can be differentiated, got one without a history for an "
          "input of shape {}\nhelp: a rule given to record must be written in tensor ops",
          pulled_[i].shape());
  }
}

std::vector<Tensor> Linearization::push(const std::vector<Tensor>& tangents) const {
  return gradients(pulled_, tangents, u_, followed_, Walk::again);
}

}  // namespace reel::func::detail
