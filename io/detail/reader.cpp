#include "reel/io/detail/reader.h"

#include <algorithm>
#include <utility>

#include "reel/base/fail.h"
#include "reel/kernels/parallel.h"
#include "reel/ops/create/create.h"

namespace reel::io::detail {
namespace {
constexpr Size piece = 1 << 20;  // bytes: fits the cache on its way through a conversion
}

TensorInfo tensor_info(std::string name, const StoredType& type, const Shape& shape) {
  return {.name = std::move(name),
          .stored_as = type.name,
          .dtype = type.dtype,
          .converted = type.converted(),
          .shape = shape,
          .bytes = shape.numel() * type.bytes};
}

Tensor filled(const char* op, const StoredType& type, const Shape& shape, const ReadBytes& read,
              const std::string& where) {
  const Tensor tensor = empty(shape, {.dtype = type.dtype});
  std::byte* const data = tensor.impl().data;
  const Size items_a_piece = piece / item_size(type.dtype);
  const Size pieces = (tensor.numel() + items_a_piece - 1) / items_a_piece;
  kernels::parallel_for(pieces, 1, [&](Size first, Size last) {
    const Size begin = first * items_a_piece;
    const Size end = std::min(last * items_a_piece, tensor.numel());
    if (type.convert == nullptr) {
      read(begin * type.bytes, data + begin * type.bytes, (end - begin) * type.bytes);
      return;
    }
    std::vector<std::byte> stored(
        static_cast<std::size_t>(std::min(items_a_piece, end - begin) * type.bytes));
    for (Size i = begin; i < end; i += items_a_piece) {
      const Size n = std::min(items_a_piece, end - i);
      read(i * type.bytes, stored.data(), n * type.bytes);
      const Size good = type.convert(stored.data(), data + i * item_size(type.dtype), n);
      check(good == n, op, "expected elements of {} that {} holds, got another at position {} {}",
            type.name, type.dtype, i + good, where);
    }
  });
  return tensor;
}

}  // namespace reel::io::detail
