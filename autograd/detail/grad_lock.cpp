#include "reel/autograd/detail/grad_lock.h"

#include <thread>

namespace reel::detail {

std::uintptr_t GradLock::wait() {
  for (;;) {
    // Its holder adds a whole gradient, which may take longer than a turn of the scheduler.
    std::this_thread::yield();
    std::uintptr_t free = word_.load(std::memory_order_relaxed) & ~locked;
    if (word_.compare_exchange_weak(free, free | locked, std::memory_order_acquire)) return free;
  }
}

}  // namespace reel::detail
