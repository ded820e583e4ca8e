#pragma once

#include <cstdint>
#include <utility>

#include "reel/autograd/detail/tape_state.h"
#include "reel/autograd/tensor.h"

namespace reel {

namespace detail {
/// The tensor behind what a `SavedTensorsHooks` has packed. Throws for another, which has changed in
/// place since it was saved.
REEL_API const Tensor& unpacked(const Tensor& tensor);
}  // namespace detail

/// A tensor kept for backward together with its version: reading it after an in-place change throws
/// an error that names both ops. Converts to the tensor.
class Saved {
 public:
  /// What `save` calls; an undefined tensor stays one.
  explicit Saved(const Tensor& tensor)
      : tensor_(tensor), version_(tensor.defined() ? tensor.version() : 0) {}
  /// A copy, at which a visitor may look on.
  Saved(const Saved& other) : Saved(seen(other).tensor_, other.version_) {}
  Saved(Saved&&) = default;
  Saved& operator=(const Saved&) = default;
  Saved& operator=(Saved&&) = default;

  /// The tensor. Throws, naming the op, when its elements were changed in place since.
  operator const Tensor&() const {
    if (tensor_.defined() && tensor_.version() != version_) [[unlikely]]
      return detail::unpacked(tensor_);
    return tensor_;
  }
  /// The same where nothing asks for a conversion: `saved().shape()`.
  const Tensor& operator()() const { return *this; }

  /// Used by the library: the tensor, changed or not, or what stands for it.
  const Tensor& held() const { return tensor_; }
  /// Used by the library: puts something in its place, of a version that no tensor has.
  void replace(Tensor stand_in) const {
    tensor_ = std::move(stand_in);
    version_ = 0;
  }

 private:
  Saved(const Tensor& tensor, std::uint32_t version) : tensor_(tensor), version_(version) {}

  static const Saved& seen(const Saved& other) {
    if (detail::tape.visitor != nullptr && other.tensor_.defined()) [[unlikely]]
      detail::tape.visitor->visit(other);
    return other;
  }

  // Packing takes place behind the back of rules.
  mutable Tensor tensor_;
  mutable std::uint32_t version_;
};

/// Keeps `tensor` for backward: `[b = save(b)](const Tensor& dy) { return dy * b; }`.
/// Never keep the op's own output so: take it as the rule's second parameter. `record` refuses a
/// rule that captures it, but cannot look behind a pointer.
inline Saved save(const Tensor& tensor) { return Saved(tensor); }

}  // namespace reel
