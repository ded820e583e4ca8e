#include "reel/autograd/detail/in_place.h"

#include <mutex>

#include "reel/autograd/detail/batched.h"
#include "reel/autograd/detail/grad_extras.h"
#include "reel/autograd/fmt.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"

namespace reel::detail {
namespace {

/// Held while a view looks whether its history is still that of its base. One for all views: only
/// programs that write to views on the tape come here.
std::mutex looking;

Tensor handle(TensorImpl& body) {
  add_ref(body.refs);
  return Tensor(&body);
}

/// Whether the view ops that end in `node` began at `origin`.
bool leads_to(const Node* node, const Node* origin) {
  while (node != nullptr && node->age > origin->age) {
    node = node->edge_count == 1 ? node->edges[0].node : nullptr;
  }
  return node == origin;
}

/// A tensor goes on with another node. Hooks stay with the value they were registered for; where the
/// tensor retains its gradient, it does so for the new value.
Node* exchange_node(TensorImpl& body, Node* node) {
  Node* before = std::exchange(body.node, node);
  const std::uintptr_t word = body.grad.load(std::memory_order_relaxed);
  if ((word & has_extras) == 0) return before;
  auto* old = reinterpret_cast<GradExtras*>(word & grad_pointer);
  body.grad.store(reinterpret_cast<std::uintptr_t>(old->base) | (word & is_any_view),
                  std::memory_order_relaxed);
  old->base = nullptr;
  const std::uintptr_t gradient = old->gradient.exchange(0, std::memory_order_relaxed);
  const bool retains = old->retains.exchange(false, std::memory_order_relaxed);
  if (retains || gradient != 0) {
    GradExtras& extras = extras_of(body);
    extras.gradient.store(gradient, std::memory_order_relaxed);
    if (retains) {
      extras.retains.store(true, std::memory_order_relaxed);
      add_ref(extras.refs);
      node->extras = &extras;
    }
  }
  drop(old);
  return before;
}

}  // namespace

TensorImpl& base_of(TensorImpl& x) {
  const std::uintptr_t word = x.grad.load(std::memory_order_acquire);
  if ((word & is_any_view) == 0) return x;
  if ((word & has_extras) != 0) return *reinterpret_cast<GradExtras*>(word & grad_pointer)->base;
  return *reinterpret_cast<TensorImpl*>(word & grad_pointer);
}

void check_writable(const char* op, const Tensor& x, bool recorded) {
  check_not_batched(op, x);
  TensorImpl& body = x.impl();
  const TensorImpl& base = base_of(body);
  const bool off_tape = (body.grad.load(std::memory_order_relaxed) & is_view_off_tape) != 0;
  if (recorded || (off_tape && grad_enabled() && base.requires_grad())) {
    check(
        !off_tape, op,
        "expected a view made while ops were recorded, got one made under NoGradGuard: what it is "
        "a view of would not know that the tape changed it\n"
        "help: make the view where it is changed, or change it under NoGradGuard too");
    const bool is_of_leaf = base.node == nullptr && base.followed == Followed::yes;
    check(!is_of_leaf, op,
          "expected a tensor that ops on the tape may change, got a {}leaf that requires grad: its "
          "gradient would be that of elements which are gone\n"
          "help: change it under `NoGradGuard no_grad;`, or use the form that returns a new tensor",
          &base == &body ? "" : "view of a ");
  }
  if (x.is_contiguous()) return;
  for (Size d = 0; d < x.dim(); ++d) {
    check(x.shape()[d] < 2 || x.strides()[d] != 0, op,
          "expected a target whose elements each have memory of their own, got an expanded tensor "
          "of shape {}\nhelp: clone() it first",
          x.shape());
  }
}

void become_base(TensorImpl& x) {
  std::uintptr_t word = x.grad.load(std::memory_order_relaxed);
  if ((word & is_any_view) == 0) return;
  TensorImpl& base = base_of(x);
  if ((word & has_extras) != 0) {
    reinterpret_cast<GradExtras*>(word & grad_pointer)->base = nullptr;
    word &= ~is_any_view;
  } else {
    word = 0;
  }
  x.grad.store(word, std::memory_order_relaxed);
  drop(&base);
}

bool is_base_followed(const TensorImpl& view) {
  return base_of(const_cast<TensorImpl&>(view)).node != nullptr;
}

Node* current_node(const TensorImpl& view) {
  auto& x = const_cast<TensorImpl&>(view);
  TensorImpl& base = base_of(x);
  Node* before = nullptr;
  {
    const std::lock_guard lock(looking);
    if (base.node == nullptr || leads_to(x.node, base.node)) return x.node;
    const EnableGradGuard record;
    const Tensor part = part_shown_by(handle(base), x);
    before = exchange_node(x, std::exchange(part.impl().node, nullptr));
    part.impl().followed = Followed::no;
  }
  drop(before);  // what its rules have captured may be the user's
  return x.node;
}

void rebase(const Tensor& x, Node* node) {
  set_age(*node);
  TensorImpl& body = x.impl();
  TensorImpl& base = base_of(body);
  Node* before;
  if (&base == &body) {
    before = exchange_node(body, node);
  } else {
    const Tensor part = alias(x, body.shape, body.strides);
    part.impl().node = node;
    part.impl().followed = Followed::yes;
    Node* whole = node_of_written_part(handle(base), part);
    set_age(*whole);
    before = exchange_node(base, whole);
  }
  base.followed = Followed::yes;
  body.storage->rewritten.store(true, std::memory_order_relaxed);
  drop(before);
  note_recorded(*node);
}

}  // namespace reel::detail
