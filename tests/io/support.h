#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "reel/autograd/tensor.h"
#include "reel/ops/shape/view.h"

namespace reel::testing {

/// A recorded file; data/make.py made it.
inline std::string recorded(const std::string& name) { return REEL_IO_DATA "/" + name; }

/// A safetensors file with this header.
inline std::string safetensors(const std::string& json, const std::string& data = "") {
  const std::uint64_t length = json.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file + json + data;
}

/// Little-endian elements as they lie in a file.
template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

inline std::string bytes_of(const Tensor& tensor) {
  const Tensor whole = tensor.detach().contiguous();
  return {reinterpret_cast<const char*>(whole.impl().data),
          static_cast<std::size_t>(whole.numel() * item_size(whole.dtype()))};
}

/// Whether both have the same dtype, shape and bits.
inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() && bytes_of(a) == bytes_of(b);
}

}  // namespace reel::testing
