#pragma once

// Internal, for the files of this folder only: what the rows of bits in pointwise_rows.inc are of.

#include <type_traits>

namespace reel::kernels::REEL_ISA {

/// The bits of an integer or a bool.
template <class T>
struct Bits {
  T value;

  // The type to shift in: unsigned, where C++ leaves nothing undefined.
  using U = std::make_unsigned_t<std::conditional_t<std::is_same_v<T, bool>, unsigned char, T>>;
  bool reaches() const { return static_cast<U>(value) < 8 * sizeof(T); }

  friend Bits operator&(Bits a, Bits b) { return {static_cast<T>(a.value & b.value)}; }
  friend Bits operator|(Bits a, Bits b) { return {static_cast<T>(a.value | b.value)}; }
  friend Bits operator^(Bits a, Bits b) { return {static_cast<T>(a.value ^ b.value)}; }
  friend Bits operator<<(Bits a, Bits b) {
    return {b.reaches() ? static_cast<T>(static_cast<U>(a.value) << static_cast<int>(b.value))
                        : T(0)};
  }
  friend Bits operator>>(Bits a, Bits b) {
    constexpr int all = 8 * sizeof(T) - std::is_signed_v<T>;  // what is left is the sign
    return {static_cast<T>(a.value >> (b.reaches() ? static_cast<int>(b.value) : all))};
  }
};

}  // namespace reel::kernels::REEL_ISA
