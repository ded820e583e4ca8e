#pragma once

// The arguments of kernels, and the seam between ops and devices.
//
// What this folder's headers declare over arrays is all that an op knows of a device. An op checks
// what it was given, makes arrays of its tensors (`autograd/detail/array.h`) and calls such a
// function; which loops run over the memory is decided behind it. Every array says on which device
// its memory lies, so a second device would be chosen in these functions and nowhere else. As long
// as the CPU is the only one, none of them asks.

#include <cassert>
#include <cstddef>

#include "reel/base/device.h"
#include "reel/base/dtype.h"
#include "reel/base/shape.h"

namespace reel::kernels {

/// An array that a kernel reads. It refers to memory, shape and strides that somebody else keeps,
/// as a tensor does, so that making one costs nothing. `ConstArray{}` is no array: an optional one
/// that is missing.
class ConstArray {
 public:
  ConstArray() = default;
  /// Strides count elements. What is pointed and referred to must outlive the array.
  ConstArray(const void* data, DType dtype, const Shape& shape, const Strides& strides,
             Device device = Device::cpu)
      : data_(data), shape_(&shape), strides_(&strides), dtype_(dtype), device_(device) {}

  /// Whether there is an array.
  explicit operator bool() const { return shape_ != nullptr; }

  DType dtype() const { return dtype_; }
  Device device() const { return device_; }

  // What follows needs an array, but for the pointers: they are null where there is none.

  const Shape& shape() const { return *shape_; }
  const Strides& strides() const { return *strides_; }
  Size dim() const { return shape_->size(); }
  /// The size of one dimension; below 0 it counts from the end.
  Size size(Size dim) const { return (*shape_)[dim]; }
  Size numel() const { return shape_->numel(); }
  /// Bytes of one element.
  Size item() const { return item_size(dtype_); }
  /// Whether the elements lie in row-major order without gaps.
  bool is_contiguous() const { return reel::detail::is_contiguous(*shape_, *strides_); }

  /// The first element; `T` is what the dtype stands for.
  template <class T>
  const T* as() const {
    assert(data_ == nullptr || dtype_ == dtype_of<T>);
    return static_cast<const T*>(data_);
  }
  /// The same, whatever the dtype.
  const void* data() const { return data_; }
  const std::byte* bytes() const { return static_cast<const std::byte*>(data_); }

 protected:
  const void* data_ = nullptr;

 private:
  const Shape* shape_ = nullptr;
  const Strides* strides_ = nullptr;
  DType dtype_ = DType::float32;
  Device device_ = Device::cpu;
};

/// An array that a kernel writes, and may read.
class Array : public ConstArray {
 public:
  Array() = default;
  Array(void* data, DType dtype, const Shape& shape, const Strides& strides,
        Device device = Device::cpu)
      : ConstArray(data, dtype, shape, strides, device) {}

  template <class T>
  T* as() const {
    return const_cast<T*>(ConstArray::as<T>());
  }
  void* data() const { return const_cast<void*>(data_); }
  std::byte* bytes() const { return static_cast<std::byte*>(data()); }
};

}  // namespace reel::kernels
