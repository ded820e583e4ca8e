#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace reel::testing {

/// Takes an input apart into decisions. Past its end everything is zero.
class ByteReader {
 public:
  ByteReader(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}

  bool done() const { return left_ == 0; }
  const std::uint8_t* data() const { return data_; }
  std::size_t left() const { return left_; }

  std::uint8_t byte() {
    std::uint8_t value = 0;
    read(&value, 1);
    return value;
  }

  /// A number in [0, end), `end` at most 256.
  std::size_t below(std::size_t end) { return byte() % end; }

  std::string text(std::size_t bytes) {
    std::string value(bytes, '\0');
    read(value.data(), bytes);
    return value;
  }

  void read(void* to, std::size_t bytes) {
    const std::size_t taken = std::min(bytes, left_);
    std::memset(to, 0, bytes);
    if (taken == 0) return;
    std::memcpy(to, data_, taken);
    data_ += taken;
    left_ -= taken;
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

}  // namespace reel::testing
