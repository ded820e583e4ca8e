#pragma once

#include <cstddef>
#include <utility>

#include "reel/base/allocator.h"

namespace reel::kernels {

/// A block of the caching allocator, uninitialised: a kernel's workspace.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t bytes)
      : data_(bytes == 0 ? nullptr : reel::detail::allocate(bytes)), bytes_(bytes) {}
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Buffer() {
    if (data_ != nullptr) reel::detail::deallocate(data_, bytes_);
  }

  template <class T = float>
  T* data() const {
    return static_cast<T*>(data_);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace reel::kernels
