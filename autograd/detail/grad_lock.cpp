#include "reel/autograd/detail/grad_lock.h"

#include <thread>

#include "reel/autograd/hooks.h"

namespace reel::detail {
namespace {

/// With both lists, so that whoever finds extras never sees one being made.
GradExtras* new_extras() {
  auto* extras = new GradExtras;
  extras->hooks = std::make_shared<HookList<Tensor(const Tensor&)>>();
  extras->post_accumulate = std::make_shared<HookList<void(const Tensor&)>>();
  return extras;
}

}  // namespace

void drop(GradExtras* extras) noexcept {
  if (extras == nullptr || !drop_ref(extras->refs)) return;
  drop(reinterpret_cast<TensorImpl*>(extras->gradient.load(std::memory_order_relaxed)));
  delete extras;
}

GradExtras& extras_of(TensorImpl& body) {
  GradExtras* made = nullptr;
  for (;;) {
    std::uintptr_t word = body.grad.load(std::memory_order_acquire);
    if ((word & has_extras) != 0) {
      if (made != nullptr) {  // another thread was faster
        made->base = nullptr;
        made->gradient.store(0, std::memory_order_relaxed);
        drop(made);
      }
      return *reinterpret_cast<GradExtras*>(word & grad_pointer);
    }
    if ((word & grad_is_locked) != 0) {
      std::this_thread::yield();
      continue;
    }
    if (made == nullptr) made = new_extras();
    // What the word pointed to goes along, its reference too.
    const bool view = (word & is_any_view) != 0;
    made->base = view ? reinterpret_cast<TensorImpl*>(word & grad_pointer) : nullptr;
    made->gradient.store(view ? 0 : word & grad_pointer, std::memory_order_relaxed);
    const std::uintptr_t marks = word & is_any_view;
    if (body.grad.compare_exchange_weak(word,
                                        reinterpret_cast<std::uintptr_t>(made) | has_extras | marks,
                                        std::memory_order_acq_rel)) {
      return *made;
    }
  }
}

void GradLock::wait(TensorImpl* body) {
  constexpr std::uintptr_t elsewhere = has_extras | is_any_view;
  for (;;) {
    const std::uintptr_t word = word_->load(std::memory_order_acquire);
    if (body != nullptr && (word & elsewhere) != 0) {
      word_ = &extras_of(*body).gradient;
      body = nullptr;
      continue;
    }
    if (take(word & grad_pointer)) return;
    // Its holder adds a whole gradient, which may take longer than a turn of the scheduler.
    std::this_thread::yield();
  }
}

}  // namespace reel::detail
