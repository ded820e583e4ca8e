#include "fuzz/crafted_entries.h"

#include <algorithm>
#include <cstring>

#include "reel/ops/create/create.h"
#include "reel/ops/shape/join.h"
#include "reel/ops/shape/view.h"

namespace reel::testing {
namespace {

Tensor crafted_tensor(ByteReader& input) {
  constexpr DType dtypes[] = {float32, float64, int64, int32, uint8, bool_};
  const DType dtype = dtypes[input.below(std::size(dtypes))];
  Shape shape;
  for (std::size_t rank = input.below(5); rank > 0; --rank) {
    shape.push_back(static_cast<Size>(input.below(6)));
  }
  Tensor tensor = empty(shape, {.dtype = dtype});
  auto* const bytes = reinterpret_cast<std::uint8_t*>(tensor.impl().data);
  const auto size = static_cast<std::size_t>(tensor.numel() * item_size(dtype));
  if (size > 0) input.read(bytes, size);
  // C++ knows no bool of other bits than these.
  if (dtype == bool_)
    std::transform(bytes, bytes + size, bytes, [](auto byte) { return byte & 1; });
  return tensor;
}

std::string crafted_name(ByteReader& input, const Entries& valid) {
  std::string name = valid[input.below(valid.size())].first;
  switch (input.below(4)) {
    case 0:
      return input.text(input.below(16));
    case 1:
      name.resize(input.below(name.size() + 1));
      return name;
    case 2:
      name[input.below(name.size())] = static_cast<char>(input.byte());
      return name;
    default:
      return name + input.text(input.below(4));
  }
}

/// The same values elsewhere, laid out as the input says.
Tensor laid_out(ByteReader& input, const Tensor& tensor) {
  switch (input.below(4)) {
    case 1:
      return tensor.dim() >= 2 ? tensor.transpose(0, 1).contiguous().transpose(0, 1) : tensor;
    case 2:
      return tensor.numel() > 0 ? tensor.select(0, 0).expand(tensor.shape()) : tensor;
    case 3: {  // every second element of a larger block
      const Tensor wide = stack({tensor, tensor}, -1);
      return wide.select(-1, 1);
    }
    default:
      return tensor.clone();
  }
}

}  // namespace

StateDict dictionary_of(const Entries& entries) {
  StateDict dictionary;
  for (const auto& [name, tensor] : entries) dictionary[name] = tensor;
  return dictionary;
}

Entries copies_of(const Entries& entries) {
  Entries copies;
  for (const auto& [name, tensor] : entries) copies.emplace_back(name, tensor.clone());
  return copies;
}

Entries crafted_entries(ByteReader& input, const Entries& valid) {
  Entries entries = copies_of(valid);
  while (!input.done() && entries.size() < valid.size() + 20) {
    const std::size_t at = input.below(entries.size() + 1);
    if (at == entries.size()) {
      entries.emplace_back(crafted_name(input, valid), crafted_tensor(input));
      continue;
    }
    auto& [name, tensor] = entries[at];
    switch (input.below(7)) {
      case 0:
        entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(at));
        if (entries.empty()) return entries;
        break;
      case 1:
        name = crafted_name(input, valid);
        break;
      case 2:
        tensor = crafted_tensor(input);
        break;
      case 3:
        tensor = Tensor();
        break;
      case 4:
        entries.push_back(entries[at]);
        break;
      case 5:  // other values of the same kind
        if (tensor.defined() && tensor.numel() > 0 && tensor.is_contiguous() &&
            tensor.dtype() != bool_) {
          input.read(tensor.impl().data,
                     static_cast<std::size_t>(std::min<Size>(tensor.numel(), 4) *
                                              item_size(tensor.dtype())));
        }
        break;
      default:
        if (tensor.defined() && tensor.dim() > 0) tensor = laid_out(input, tensor);
    }
  }
  return entries;
}

bool same_tensor(const Tensor& a, const Tensor& b) {
  if (a.defined() != b.defined()) return false;
  if (!a.defined()) return true;
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  const Tensor left = a.detach().contiguous(), right = b.detach().contiguous();
  const auto bytes = static_cast<std::size_t>(left.numel() * item_size(left.dtype()));
  return bytes == 0 || std::memcmp(left.impl().data, right.impl().data, bytes) == 0;
}

bool same_entries(const Entries& a, const Entries& b) {
  return std::ranges::equal(a, b, [](const auto& left, const auto& right) {
    return left.first == right.first && same_tensor(left.second, right.second);
  });
}

}  // namespace reel::testing
