#include "reel/autograd/hooks.h"

#include <mutex>

#include "reel/autograd/detail/batched.h"
#include "reel/autograd/detail/grad_lock.h"
#include "reel/autograd/detail/node.h"
#include "reel/base/fail.h"

namespace reel {
namespace detail {
namespace {

/// Held while a node gets its extras: threads may register on one tensor at once.
std::mutex getting_extras;

/// Where hooks of the tensor go: a leaf is their place, the result of an op shares it with the node,
/// as its body may be gone when backward comes.
GradExtras& place_of_hooks(TensorImpl& body) {
  Node* node = body.current();
  if (node == nullptr) return extras_of(body);
  const std::lock_guard lock(getting_extras);
  if (node->extras == nullptr) {
    GradExtras& extras = extras_of(body);
    add_ref(extras.refs);
    node->extras = &extras;
  }
  return *node->extras;
}

template <class List, class Hook>
HookHandle add_to(const std::shared_ptr<List>& list, Hook&& hook) {
  const std::uint64_t id = list->add(std::forward<Hook>(hook));
  return {list, id};
}

}  // namespace

HookHandle add_hook(const Tensor& x, std::function<Tensor(const Tensor&)> hook) {
  check_not_batched("register_hook", x);
  check(x.requires_grad(), "register_hook",
        "expected a tensor that requires grad, got one without");
  return add_to(place_of_hooks(x.impl()).hooks, std::move(hook));
}

HookHandle add_post_accumulate_hook(const Tensor& x, std::function<void(const Tensor&)> hook) {
  constexpr const char* name = "register_post_accumulate_grad_hook";
  check_not_batched(name, x);
  check(x.requires_grad(), name, "expected a leaf that requires grad, got a tensor without");
  check(x.is_leaf(), name, "expected a leaf, got the result of '{}'\nhelp: use register_hook()",
        x.op_name());
  return add_to(place_of_hooks(x.impl()).post_accumulate, std::move(hook));
}

}  // namespace detail

void Tensor::retain_grad() const {
  check(requires_grad(), "retain_grad", "expected a tensor that requires grad, got one without");
  if (is_leaf()) return;
  detail::place_of_hooks(impl()).retains.store(true, std::memory_order_relaxed);
}

bool Tensor::retains_grad() const {
  const detail::Node* node = impl().current();
  return node != nullptr && node->extras != nullptr &&
         node->extras->retains.load(std::memory_order_relaxed);
}

}  // namespace reel
