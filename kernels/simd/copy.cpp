#include "reel/kernels/copy.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "reel/kernels/simd/rows.h"

namespace reel::kernels::REEL_ISA {
namespace {

template <class To>
struct Cast {
  template <class From>
  To operator()(From x) const {
    if constexpr (std::is_same_v<To, bool>) {
      return x != From(0);
    } else if constexpr (std::is_same_v<To, std::uint8_t> && std::is_floating_point_v<From>) {
      return static_cast<To>(static_cast<std::int32_t>(x));  // there is an instruction for that
    } else {
      return static_cast<To>(x);
    }
  }
};

/// The floating-point numbers that an integer type holds are those in [least, beyond).
template <class To, class From>
struct Range {
  static constexpr From least = static_cast<From>(std::numeric_limits<To>::min());
  static constexpr From beyond =
      2 * static_cast<From>(To{1} << (std::numeric_limits<To>::digits - 1));
};

/// Where C++ leaves open what becomes of a number that does not fit: the nearest that does, of NaN
/// 0.
template <class To>
struct Saturate {
  template <class From>
  To operator()(From x) const {
    using R = Range<To, From>;
    using Limits = std::numeric_limits<To>;
    const bool low = x < R::least, high = x >= R::beyond;
    const To inside = static_cast<To>(low || high || x != x ? From(0) : x);
    return low ? Limits::min() : high ? Limits::max() : inside;
  }
};

template <class To, class From>
bool all_fit(const From* x, Size n, Size stride) {
  using R = Range<To, From>;
  // As wide as the numbers, so that the comparisons of a vector are summed up as they come.
  using Flag = std::conditional_t<sizeof(From) == 8, std::int64_t, std::int32_t>;
  Flag wrong = 0;
  if (stride == 1) {
    for (Size i = 0; i < n; ++i) wrong |= Flag{!(x[i] >= R::least && x[i] < R::beyond)};
  } else {
    for (Size i = 0; i < n; ++i) {
      wrong |= Flag{!(x[i * stride] >= R::least && x[i * stride] < R::beyond)};
    }
  }
  return wrong == 0;
}

/// Floating-point numbers to integers. A first look at a block, which is in the cache then, costs
/// less than care with each number.
template <class To, class From>
void truncate(std::byte* const* data, const Plane& plane, const double* params) {
  constexpr Size block = 512;
  for (Size r = 0; r < plane.outer; ++r) {
    for (Size first = 0; first < plane.inner; first += block) {
      Plane part = plane;
      part.outer = 1;
      part.inner = std::min(block, plane.inner - first);
      To* y = row<To>(data, plane, 0, r) + first * plane.inner_stride[0];
      const From* x = row<const From>(data, plane, 1, r) + first * plane.inner_stride[1];
      std::byte* const parts[] = {reinterpret_cast<std::byte*>(y),
                                  const_cast<std::byte*>(reinterpret_cast<const std::byte*>(x))};
      if (all_fit<To>(x, part.inner, part.inner_stride[1])) {
        map1<Cast<To>, To, From>(parts, part, params);
      } else {
        map1<Saturate<To>, To, From>(parts, part, params);
      }
    }
  }
}

struct ScaleBytes {
  float factor;
  explicit ScaleBytes(const double* params) : factor(static_cast<float>(params[0])) {}
  float operator()(std::uint8_t x) const { return static_cast<float>(x) * factor; }
};

/// The same bits elsewhere.
template <class T>
void copy_bits(std::byte* const* data, const Plane& plane, const double*) {
  const Size n = plane.inner;
  const Size sy = plane.inner_stride[0], sa = plane.inner_stride[1];
  for (Size r = 0; r < plane.outer; ++r) {
    T* y = row<T>(data, plane, 0, r);
    const T* a = row<const T>(data, plane, 1, r);
    if (sy == 1 && sa == 1) {
      if (n * static_cast<Size>(sizeof(T)) >= 512) {
        __builtin_memmove(y, a, static_cast<std::size_t>(n) * sizeof(T));
      } else {
        REEL_INDEPENDENT
        for (Size i = 0; i < n; ++i) y[i] = a[i];
      }
    } else if (sy == 1 && sa == 0) {
      const T only = *a;
      for (Size i = 0; i < n; ++i) y[i] = only;
    } else {
      for (Size i = 0; i < n; ++i) y[i * sy] = a[i * sa];
    }
  }
}

template <class T>
void transpose_plainly(T* to, Size to_stride, const T* from, Size from_stride, Size rows,
                       Size cols) {
  for (Size c = 0; c < cols; ++c) {
    for (Size r = 0; r < rows; ++r) to[c * to_stride + r] = from[r * from_stride + c];
  }
}

/// How many rows and columns of a tile; a tile goes through registers whole, so that each cache
/// line is touched once.
template <class T>
inline constexpr Size tile = 16;

void transpose_tile(std::uint8_t* to, Size to_stride, const std::uint8_t* from, Size from_stride) {
  transpose_plainly(to, to_stride, from, from_stride, 16, 16);
}

#if defined(__AVX512F__)

void transpose_tile(std::uint32_t* to, Size to_stride, const std::uint32_t* from,
                    Size from_stride) {
  __m512i a[16], b[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) a[i] = _mm512_loadu_si512(from + i * from_stride);
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
  }
  // Now a[4g + k] holds, of rows 4g to 4g + 3, columns k, 4 + k, 8 + k and 12 + k.
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
    a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
    a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
    a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
  }
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    const __m512i low = _mm512_shuffle_i32x4(a[k], a[4 + k], 0x88);
    const __m512i high = _mm512_shuffle_i32x4(a[8 + k], a[12 + k], 0x88);
    const __m512i low_odd = _mm512_shuffle_i32x4(a[k], a[4 + k], 0xdd);
    const __m512i high_odd = _mm512_shuffle_i32x4(a[8 + k], a[12 + k], 0xdd);
    _mm512_storeu_si512(to + k * to_stride, _mm512_shuffle_i32x4(low, high, 0x88));
    _mm512_storeu_si512(to + (k + 4) * to_stride, _mm512_shuffle_i32x4(low_odd, high_odd, 0x88));
    _mm512_storeu_si512(to + (k + 8) * to_stride, _mm512_shuffle_i32x4(low, high, 0xdd));
    _mm512_storeu_si512(to + (k + 12) * to_stride, _mm512_shuffle_i32x4(low_odd, high_odd, 0xdd));
  }
}

#elif defined(__AVX2__)

template <>
inline constexpr Size tile<std::uint32_t> = 8;

void transpose_tile(std::uint32_t* to, Size to_stride, const std::uint32_t* from,
                    Size from_stride) {
  __m256i a[8], b[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    a[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i * from_stride));
  }
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    b[i] = _mm256_unpacklo_epi32(a[i], a[i + 1]);
    b[i + 1] = _mm256_unpackhi_epi32(a[i], a[i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    a[i] = _mm256_unpacklo_epi64(b[i], b[i + 2]);
    a[i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 2]);
    a[i + 2] = _mm256_unpacklo_epi64(b[i + 1], b[i + 3]);
    a[i + 3] = _mm256_unpackhi_epi64(b[i + 1], b[i + 3]);
  }
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + k * to_stride),
                        _mm256_permute2x128_si256(a[k], a[4 + k], 0x20));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + (k + 4) * to_stride),
                        _mm256_permute2x128_si256(a[k], a[4 + k], 0x31));
  }
}

#elif defined(__SSE2__)

template <>
inline constexpr Size tile<std::uint32_t> = 4;

void transpose_tile(std::uint32_t* to, Size to_stride, const std::uint32_t* from,
                    Size from_stride) {
  __m128i a[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    a[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i * from_stride));
  }
  const __m128i b[4] = {_mm_unpacklo_epi32(a[0], a[1]), _mm_unpackhi_epi32(a[0], a[1]),
                        _mm_unpacklo_epi32(a[2], a[3]), _mm_unpackhi_epi32(a[2], a[3])};
  auto* out = reinterpret_cast<std::uint32_t*>(to);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_unpacklo_epi64(b[0], b[2]));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out + to_stride), _mm_unpackhi_epi64(b[0], b[2]));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 2 * to_stride), _mm_unpacklo_epi64(b[1], b[3]));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 3 * to_stride), _mm_unpackhi_epi64(b[1], b[3]));
}

#else

void transpose_tile(std::uint32_t* to, Size to_stride, const std::uint32_t* from,
                    Size from_stride) {
  transpose_plainly(to, to_stride, from, from_stride, 16, 16);
}

#endif

template <>
inline constexpr Size tile<std::uint64_t> = 8;

void transpose_tile(std::uint64_t* to, Size to_stride, const std::uint64_t* from,
                    Size from_stride) {
#if defined(__AVX2__)
#pragma GCC unroll 4
  for (int block = 0; block < 4; ++block) {
    const int r = block / 2 * 4, c = block % 2 * 4;
    __m256i a[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      a[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + (r + i) * from_stride + c));
    }
    const __m256i b[4] = {_mm256_unpacklo_epi64(a[0], a[1]), _mm256_unpackhi_epi64(a[0], a[1]),
                          _mm256_unpacklo_epi64(a[2], a[3]), _mm256_unpackhi_epi64(a[2], a[3])};
#pragma GCC unroll 2
    for (int k = 0; k < 2; ++k) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + (c + k) * to_stride + r),
                          _mm256_permute2x128_si256(b[k], b[2 + k], 0x20));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + (c + k + 2) * to_stride + r),
                          _mm256_permute2x128_si256(b[k], b[2 + k], 0x31));
    }
  }
#else
  transpose_plainly(to, to_stride, from, from_stride, 8, 8);
#endif
}

template <class T>
void transpose(void* to_bytes, Size to_stride, const void* from_bytes, Size from_stride, Size rows,
               Size cols) {
  T* to = static_cast<T*>(to_bytes);
  const T* from = static_cast<const T*>(from_bytes);
  constexpr Size w = tile<T>;
  const Size whole_rows = rows / w * w, whole_cols = cols / w * w;
  for (Size r = 0; r < whole_rows; r += w) {
    for (Size c = 0; c < whole_cols; c += w) {
      transpose_tile(to + c * to_stride + r, to_stride, from + r * from_stride + c, from_stride);
    }
  }
  transpose_plainly(to + whole_cols * to_stride, to_stride, from + whole_cols, from_stride,
                    whole_rows, cols - whole_cols);
  transpose_plainly(to + whole_rows, to_stride, from + whole_rows * from_stride, from_stride,
                    rows - whole_rows, cols);
}

template <class To, class From>
void set(CopyTable& table) {
  Loop& cast = table.cast[static_cast<int>(dtype_of<To>)][static_cast<int>(dtype_of<From>)];
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> &&
                !std::is_same_v<To, bool>) {
    cast = truncate<To, From>;
  } else {
    cast = map1<Cast<To>, To, From>;
  }
}
template <class To>
void set_from_all(CopyTable& table) {
  set<To, float>(table);
  set<To, double>(table);
  set<To, std::int64_t>(table);
  set<To, std::int32_t>(table);
  set<To, std::uint8_t>(table);
  set<To, bool>(table);
}

CopyTable make_table() {
  CopyTable table;
  set_from_all<float>(table);
  set_from_all<double>(table);
  set_from_all<std::int64_t>(table);
  set_from_all<std::int32_t>(table);
  set_from_all<std::uint8_t>(table);
  set_from_all<bool>(table);
  for (int dtype = 0; dtype < 6; ++dtype) {
    const Size item = item_size(static_cast<DType>(dtype));
    table.cast[dtype][dtype] = item == 1   ? copy_bits<std::uint8_t>
                               : item == 4 ? copy_bits<std::uint32_t>
                                           : copy_bits<std::uint64_t>;
  }
  table.scale_bytes = map1<ScaleBytes, float, std::uint8_t>;
  table.fill[0] = copy_bits<std::uint8_t>;
  table.fill[1] = copy_bits<std::uint32_t>;
  table.fill[2] = copy_bits<std::uint64_t>;
  table.transpose[0] = transpose<std::uint8_t>;
  table.transpose[1] = transpose<std::uint32_t>;
  table.transpose[2] = transpose<std::uint64_t>;
  return table;
}

}  // namespace

const CopyTable& copy_table() {
  static const CopyTable table = make_table();
  return table;
}

}  // namespace reel::kernels::REEL_ISA
