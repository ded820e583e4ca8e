#pragma once

// Internal: how threads share the `.grad` of a leaf.

#include <atomic>
#include <cstdint>

#include "reel/autograd/detail/grad_extras.h"
#include "reel/autograd/tensor.h"

namespace reel::detail {

/// A leaf's gradient, while it lives for this thread alone: `backward` adds to it in place, and
/// threads that share a leaf must not do so at once.
///
/// The lock is the lowest bit of the pointer itself, free because bodies lie at multiples of 64: a
/// mutex would take the body past its three cache lines, and this costs one atomic exchange.
/// Nothing of the user's may run under it (a rule, or the destructor of what a rule has captured),
/// for that might ask for the same lock.
class GradLock {
 public:
  explicit GradLock(TensorImpl& body) : word_(&body.grad) {
    if (!take(word_->load(std::memory_order_relaxed) & grad_pointer)) [[unlikely]]
      wait(&body);
  }
  explicit GradLock(GradExtras& extras) : word_(&extras.gradient) {
    if (!take(word_->load(std::memory_order_relaxed) & grad_pointer)) [[unlikely]]
      wait(nullptr);
  }
  ~GradLock() {
    word_->store(reinterpret_cast<std::uintptr_t>(gradient.release()), std::memory_order_release);
  }
  GradLock(const GradLock&) = delete;
  GradLock& operator=(const GradLock&) = delete;

  Tensor gradient;  ///< what stands here in the end is the tensor's

 private:
  /// Whether the word was that pointer and nothing more: then the lock is held.
  bool take(std::uintptr_t free) {
    if (!word_->compare_exchange_strong(free, free | grad_is_locked, std::memory_order_acquire)) {
      return false;
    }
    gradient = Tensor(reinterpret_cast<TensorImpl*>(free));
    return true;
  }

  /// Goes to the extras if the body has some, or needs them, being a view, and takes the lock when
  /// its holder has put it back.
  [[gnu::cold]] REEL_API void wait(TensorImpl* body);

  std::atomic<std::uintptr_t>* word_;
};

}  // namespace reel::detail
