#include "reel/io/detail/stored_type.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <string>

#include "reel/base/fail.h"

static_assert(std::endian::native == std::endian::little, "files store little-endian elements");

namespace reel::io::detail {
namespace {

Size bools(const std::byte* from, std::byte* to, Size n) {
  const auto ok = [](std::byte value) { return value <= std::byte{1}; };
  const Size good = std::find_if_not(from, from + n, ok) - from;
  std::copy_n(from, good, to);
  return good;
}

/// Elements of type `From`, unaligned in the file, as `To`.
template <class From, class To>
Size widen(const std::byte* from, std::byte* to, Size n) {
  for (Size i = 0; i < n; ++i) {
    From value;
    std::memcpy(&value, from + i * Size{sizeof value}, sizeof value);
    if constexpr (sizeof(From) == sizeof(To)) {
      if (value > static_cast<From>(std::numeric_limits<To>::max())) return i;
    }
    const To wide = static_cast<To>(value);
    std::memcpy(to + i * Size{sizeof wide}, &wide, sizeof wide);
  }
  return n;
}

void put(std::byte* to, Size i, std::uint32_t bits) { std::memcpy(to + 4 * i, &bits, 4); }

Size bfloat16s(const std::byte* from, std::byte* to, Size n) {
  for (Size i = 0; i < n; ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, from + 2 * i, 2);
    put(to, i, std::uint32_t{bits} << 16);  // the upper half of a float32
  }
  return n;
}

Size halves(const std::byte* from, std::byte* to, Size n) {
  for (Size i = 0; i < n; ++i) {
    std::uint16_t half;
    std::memcpy(&half, from + 2 * i, 2);
    const std::uint32_t magnitude = (half & 0x7fffu) << 13;
    const std::uint32_t sign = (half & 0x8000u) << 16;
    // The exponents' biases are 15 and 127. A subnormal half reads as if it began with a 1, which
    // is subtracted; all values on the way are normal, as a thread may take subnormal ones for
    // zero.
    const float normal = std::bit_cast<float>(magnitude + (112u << 23));
    const float subnormal = std::bit_cast<float>(magnitude + (113u << 23)) - 0x1p-14f;
    const float value = magnitude < (1u << 23) ? subnormal : normal;
    const std::uint32_t special = magnitude >= (31u << 23) ? 0x7f800000u : 0u;  // inf and NaN
    put(to, i, std::bit_cast<std::uint32_t>(value) | special | sign);
  }
  return n;
}

/// What the code with all exponent bits set means.
enum class Top {
  ieee,       // infinity, and NaN with a mantissa
  one_nan,    // a number, but for the one with all mantissa bits set: NaN (OCP's "FN")
  negative_0  // a number; the only NaN is what would be -0 ("FNUZ")
};

/// The float32 that an 8-bit code stands for: sign, `exponent_bits`, and a mantissa in the rest.
float decoded(std::uint8_t code, int exponent_bits, int bias, Top top) {
  const int mantissa_bits = 7 - exponent_bits;
  const int exponent = (code & 0x7f) >> mantissa_bits, most = (1 << exponent_bits) - 1;
  const int mantissa = code & ((1 << mantissa_bits) - 1), full = (1 << mantissa_bits) - 1;
  const float sign = code & 0x80 ? -1.0f : 1.0f;
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  if (top == Top::negative_0 && code == 0x80) return nan;
  if (top == Top::one_nan && exponent == most && mantissa == full) return nan;
  if (top == Top::ieee && exponent == most) {
    return mantissa != 0 ? nan : sign * std::numeric_limits<float>::infinity();
  }
  const int significand = exponent == 0 ? mantissa : mantissa + full + 1;
  const int power = std::max(exponent, 1) - bias - mantissa_bits;
  return sign * std::ldexp(static_cast<float>(significand), power);
}

template <int exponent_bits, int bias, Top top>
Size bytes_as_floats(const std::byte* from, std::byte* to, Size n) {
  struct Table {
    std::uint32_t bits[256];
    Table() {
      for (int code = 0; code < 256; ++code) {
        const auto byte = static_cast<std::uint8_t>(code);
        bits[code] = std::bit_cast<std::uint32_t>(decoded(byte, exponent_bits, bias, top));
      }
    }
  };
  static const Table table;
  for (Size i = 0; i < n; ++i) put(to, i, table.bits[static_cast<std::uint8_t>(from[i])]);
  return n;
}

/// Powers of two: the scales of block formats (OCP microscaling, 2023).
Size exponents(const std::byte* from, std::byte* to, Size n) {
  for (Size i = 0; i < n; ++i) {
    const auto code = static_cast<std::uint8_t>(from[i]);
    const float value =
        code == 0xff ? std::numeric_limits<float>::quiet_NaN() : std::ldexp(1.0f, code - 127);
    put(to, i, std::bit_cast<std::uint32_t>(value));
  }
  return n;
}

constexpr StoredType types[] = {
    {"BOOL", 1, bool_, bools},
    {"U8", 1, uint8},
    {"I8", 1, int32, widen<std::int8_t, std::int32_t>},
    {"I16", 2, int32, widen<std::int16_t, std::int32_t>},
    {"U16", 2, int32, widen<std::uint16_t, std::int32_t>},
    {"I32", 4, int32},
    {"U32", 4, int64, widen<std::uint32_t, std::int64_t>},
    {"I64", 8, int64},
    {"U64", 8, int64, widen<std::uint64_t, std::int64_t>},
    {"F8_E4M3", 1, float32, bytes_as_floats<4, 7, Top::one_nan>},
    {"F8_E5M2", 1, float32, bytes_as_floats<5, 15, Top::ieee>},
    {"F8_E4M3FNUZ", 1, float32, bytes_as_floats<4, 8, Top::negative_0>},
    {"F8_E5M2FNUZ", 1, float32, bytes_as_floats<5, 16, Top::negative_0>},
    {"F8_E8M0", 1, float32, exponents},
    {"F16", 2, float32, halves},
    {"BF16", 2, float32, bfloat16s},
    {"F32", 4, float32},
    {"F64", 8, float64},
};

}  // namespace

const StoredType* find_stored_type(std::string_view name) {
  const auto found = std::ranges::find(types, name, &StoredType::name);
  return found == std::end(types) ? nullptr : found;
}

const StoredType& stored_type_of(DType dtype) {
  return *std::ranges::find_if(types, [&](const StoredType& type) {
    return type.dtype == dtype && !type.converted() && type.bytes == item_size(dtype);
  });
}

Size stored_bytes(const char* op, const StoredType& type, const Shape& shape,
                  const std::string& where) {
  constexpr Size most = Size{1} << 48;  // elements, as of every tensor, sizes of 0 left out
  Size product = 1;
  for (const Size size : shape) {
    check(0 <= size && size <= most / product, op,
          "expected at most 2^48 elements, got {} of {} {}", shape, type.name, where);
    product *= std::max<Size>(size, 1);
  }
  return shape.numel() * type.bytes;
}

std::string_view stored_type_names() {
  static const std::string names = [] {
    std::string all;
    for (const StoredType& type : types) all += (all.empty() ? "" : ", ") + std::string(type.name);
    return all;
  }();
  return names;
}

}  // namespace reel::io::detail
