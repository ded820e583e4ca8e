#pragma once

// Internal: how threads share the `.grad` of a leaf.

#include <atomic>
#include <cstdint>

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
  explicit GradLock(TensorImpl& leaf) : word_(leaf.grad) {
    std::uintptr_t free = word_.load(std::memory_order_relaxed) & ~locked;
    if (!word_.compare_exchange_strong(free, free | locked, std::memory_order_acquire)) [[unlikely]]
      free = wait();
    gradient = Tensor(reinterpret_cast<TensorImpl*>(free));
  }
  ~GradLock() {
    word_.store(reinterpret_cast<std::uintptr_t>(gradient.release()), std::memory_order_release);
  }
  GradLock(const GradLock&) = delete;
  GradLock& operator=(const GradLock&) = delete;

  Tensor gradient;  ///< what stands here in the end is the leaf's

 private:
  static constexpr std::uintptr_t locked = 1;

  /// Takes the lock when its holder has put it back.
  [[gnu::cold]] REEL_API std::uintptr_t wait();

  std::atomic<std::uintptr_t>& word_;
};

}  // namespace reel::detail
