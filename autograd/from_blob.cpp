#include "reel/autograd/from_blob.h"

#include <algorithm>
#include <cstdint>

#include "reel/base/fail.h"

namespace reel {
namespace {

/// A bool of C++ is a byte 0 or 1; reading any other is undefined, so none gets into a tensor.
void check_bools(const std::uint8_t* bytes, Size n) {
  const std::uint8_t* wrong = std::find_if(bytes, bytes + n, [](auto byte) { return byte > 1; });
  check(wrong == bytes + n, "from_blob",
        "expected bools of bytes 0 and 1, got {} at position {}\n"
        "help: share the bytes with dtype uint8, and compare: ne(0)",
        wrong == bytes + n ? 0 : *wrong, wrong - bytes);
}

}  // namespace

Tensor detail::from_memory(void* data, const Shape& shape, const TensorOptions& options,
                           std::unique_ptr<ForeignMemory> owner) {
  const DType dtype = options.dtype.value_or(float32);
  const Size numel = checked_numel("from_blob", shape);
  check(data != nullptr || numel == 0, "from_blob",
        "expected memory for shape {}, got a null pointer", shape);
  check(reinterpret_cast<std::uintptr_t>(data) % static_cast<std::size_t>(item_size(dtype)) == 0,
        "from_blob", "expected memory aligned to {} bytes for dtype {}, got address {}",
        item_size(dtype), dtype, data);
  check(!options.requires_grad || is_floating(dtype), "requires_grad_",
        "expected a floating-point tensor, got dtype {}", dtype);
  if (dtype == bool_) check_bools(static_cast<const std::uint8_t*>(data), numel);
  const auto bytes = static_cast<std::size_t>(numel * item_size(dtype));
  Tensor made(new (allocate(sizeof(TensorImpl))) TensorImpl);
  TensorImpl& impl = made.impl();
  impl.dtype = dtype;
  impl.shape = shape;
  impl.strides = contiguous_strides(shape);
  impl.numel = numel;
  impl.storage = new_foreign_storage(data, bytes, owner.release());
  impl.data = static_cast<std::byte*>(data);
  if (options.requires_grad) made.requires_grad_();
  return made;
}

}  // namespace reel
