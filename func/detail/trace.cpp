#include "reel/func/detail/trace.h"

#include <unordered_set>
#include <utility>

#include "reel/autograd/detail/batched.h"
#include "reel/autograd/detail/give_away.h"
#include "reel/base/fail.h"
#include "reel/ops/create/create.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"

namespace reel::func::detail {
namespace {

using reel::detail::all_samples;
using reel::detail::batched;
using reel::detail::is_batched;
using reel::detail::Node;
using reel::detail::VmapFrame;

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
    if (input.requires_grad()) seen.insert(all_samples(input).impl().current());
  const auto leads_to_leaf = [&](const Node* node, bool needed) {
    if (node == nullptr) return needed;
    if (seen.insert(node).second) ahead.push_back(node);
    return false;
  };
  for (const Tensor& output : outputs)
    if (leads_to_leaf(all_samples(output).impl().current(), output.requires_grad())) return true;
  while (!ahead.empty()) {
    const Node* node = ahead.back();
    ahead.pop_back();
    for (std::uint32_t i = 0; i < node->edge_count; ++i)
      if (leads_to_leaf(node->edges[i].node, node->edges[i].needed())) return true;
  }
  return false;
}

/// `x` for each sample of every vmap around, as one tensor: the samples of the outermost first.
/// Throws where it stands for the samples of a vmap that has ended.
Tensor spread(const char* name, const Tensor& x,
              const VmapFrame* vmap = reel::detail::innermost_vmap) {
  if (vmap == nullptr) {
    check(!is_batched(x), name,
          "expected a tensor of a vmap that runs, got one that has left it\n"
          "help: let the function return it");
    return x;
  }
  if (is_batched(x) && batched(x).level == vmap->level)
    return spread(name, batched(x).all, vmap->outer);
  Shape shape = x.shape();
  shape.insert(0, vmap->samples);
  return spread(name, expand(x, shape), vmap->outer);
}

/// Back again: such a tensor as one sample sees it.
Tensor gathered(const Tensor& all, const VmapFrame* vmap = reel::detail::innermost_vmap) {
  return vmap == nullptr ? all
                         : reel::detail::make_batched(gathered(all, vmap->outer), vmap->level);
}

/// A gradient as a result: see the header. Taken by value, so that nobody else holds its elements.
Tensor own(Tensor gradient) {
  if (is_batched(gradient)) {
    const Size level = batched(gradient).level;
    Tensor all = batched(gradient).all;
    gradient = {};
    return reel::detail::make_batched(own(std::move(all)), level);
  }
  if (gradient.requires_grad()) return alias_of(gradient);
  return reel::detail::is_own_buffer(gradient) ? gradient : gradient.clone();
}

/// The gradients of `outputs`, weighted by `cotangents` as far as there are any, at `inputs`; zeros
/// where there is no way. With `followed` they are on the tape if the caller records.
std::vector<Tensor> gradients(const char* name, const std::vector<Tensor>& outputs,
                              const std::vector<Tensor>& cotangents,
                              const std::vector<Tensor>& inputs, bool followed, Walk walk) {
  std::vector<Tensor> roots, weights, wanted;
  bool record = walk == Walk::record || (followed && grad_enabled());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].requires_grad() || !cotangents[i].defined()) continue;
    roots.push_back(spread(name, outputs[i]));
    weights.push_back(spread(name, cotangents[i]));
    record = record || (grad_enabled() && cotangents[i].requires_grad());
  }
  for (const Tensor& input : inputs)
    if (input.requires_grad()) wanted.push_back(all_samples(input));
  std::vector<Tensor> found;
  if (!roots.empty()) {
    // What is on the tape is of all samples, so that rules see no vmap.
    const reel::detail::OutsideVmap walk_of_all(nullptr);
    found = reel::grad(roots, wanted,
                       {.grad_outputs = std::move(weights),
                        .retain_graph = walk != Walk::last,
                        .create_graph = record});
  }
  std::vector<Tensor> all;
  auto next = found.begin();
  for (const Tensor& input : inputs) {
    all.push_back(next != found.end() && input.requires_grad()
                      ? gathered(*next++)
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
  // Inside vmap each sample has an input of its own, so that it has a gradient of its own.
  if (outside_ && x.requires_grad() && !leaf.is_by_value()) {
    followed_ = true;
    return gathered(alias_of(spread(name_, x)));
  }
  return gathered(alias_of(spread(name_, x.detach()).detach().requires_grad_()));
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
  return gradients(name_, outputs, cotangents, inputs_, followed_, walk);
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
  for (Tensor& gradient : gradients) gradient = own(std::exchange(gradient, {}));
  return gradients;
}

Linearization::Linearization(const Trace& trace)
    : name_(trace.name()), followed_(trace.is_followed()) {
  for (const Tensor& y : trace.outputs()) {
    // Ones, not zeros: a rule that has left the tape shows in what it returns.
    const Tensor ones = ones_like(spread(name_, y.detach()));
    u_.push_back(gathered(ones.requires_grad_(y.requires_grad())));
  }
  pulled_ = trace.pull(u_, Walk::record);
  for (std::size_t i = 0; i < pulled_.size(); ++i) {
    check(pulled_[i].requires_grad() || !all_samples(pulled_[i]).ne(0).any().item<bool>(), name_,
          "expected ops whose gradients can be differentiated, got one without a history for an "
          "input of shape {}\nhelp: a rule given to record must be written in tensor ops",
          pulled_[i].shape());
  }
}

std::vector<Tensor> Linearization::push(const std::vector<Tensor>& tangents) const {
  return gradients(name_, pulled_, tangents, u_, followed_, Walk::again);
}

}  // namespace reel::func::detail
