#include "reel/kernels/dot_gemm.h"

#include "reel/kernels/simd/lanes.h"

namespace reel::kernels::REEL_ISA {
namespace {

constexpr Size width = lane_count<float>;
using Vec = Lanes<float>;
typedef float Quad __attribute__((vector_size(16)));

// A tile of results: as many sums as leave registers for a column of operands. With AVX-512 there
// are 32 registers, else 16.
constexpr Size tile_columns = 4;
constexpr Size tile_rows = width == 16 ? 6 : 3;
// The inner size is cut so that the rows of a tile stay in the L1 cache.
constexpr Size max_depth = 1024;

/// The four sums over the lanes of four registers: first within 128 bits, then over those.
REEL_INLINE Quad sum_lanes(const Vec& a, const Vec& b, const Vec& c, const Vec& d) {
#if REEL_LANE_BYTES == 64
#define REEL_PAIRS(x, y)                                                                     \
  (__builtin_shufflevector(x, y, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) + \
   __builtin_shufflevector(x, y, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31))
#define REEL_QUADS(x, y)                                                                     \
  (__builtin_shufflevector(x, y, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) + \
   __builtin_shufflevector(x, y, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
#elif REEL_LANE_BYTES == 32
#define REEL_PAIRS(x, y)                                     \
  (__builtin_shufflevector(x, y, 0, 8, 1, 9, 4, 12, 5, 13) + \
   __builtin_shufflevector(x, y, 2, 10, 3, 11, 6, 14, 7, 15))
#define REEL_QUADS(x, y)                                     \
  (__builtin_shufflevector(x, y, 0, 1, 8, 9, 4, 5, 12, 13) + \
   __builtin_shufflevector(x, y, 2, 3, 10, 11, 6, 7, 14, 15))
#else
#define REEL_PAIRS(x, y) \
  (__builtin_shufflevector(x, y, 0, 4, 1, 5) + __builtin_shufflevector(x, y, 2, 6, 3, 7))
#define REEL_QUADS(x, y) \
  (__builtin_shufflevector(x, y, 0, 1, 4, 5) + __builtin_shufflevector(x, y, 2, 3, 6, 7))
#endif
  const Vec ab = REEL_PAIRS(a, b), cd = REEL_PAIRS(c, d);
  const Vec sums = REEL_QUADS(ab, cd);
#undef REEL_PAIRS
#undef REEL_QUADS
  Quad parts[width / 4];
  __builtin_memcpy(parts, &sums, sizeof sums);
  if constexpr (width == 16) return (parts[0] + parts[1]) + (parts[2] + parts[3]);
  if constexpr (width == 8) return parts[0] + parts[1];
  return parts[0];
}

/// What a tile starts from and where it goes.
struct Target {
  const float* bias;  // of the tile's first column; null for zeros
  bool first;         // else the sums are added to what is there
  float* c;
  Size ldc;
};

template <Size columns>
REEL_INLINE Quad load_quad(const float* from) {
  Quad quad{};
  __builtin_memcpy(&quad, from, columns * sizeof(float));
  return quad;
}

template <Size rows, Size columns>
REEL_INLINE void tile(Size k, const float* a, Size lda, const float* b, Size ldb,
                      const Target& target) {
  Vec sums[rows][tile_columns] = {};
  auto add = [&](auto read) __attribute__((always_inline)) {
    Vec column[columns];
    for (Size j = 0; j < columns; ++j) column[j] = read(b + j * ldb);
    for (Size i = 0; i < rows; ++i) {
      const Vec row = read(a + i * lda);
      for (Size j = 0; j < columns; ++j) sums[i][j] += row * column[j];
    }
  };
  Size p = 0;
  for (; p + width <= k; p += width)
    add([p](const float* from) __attribute__((always_inline)) { return load(from + p); });
  if (p < k)
    add([ p, k ](const float* from)
            __attribute__((always_inline)) { return load_tail(from + p, k - p); });
  for (Size i = 0; i < rows; ++i) {
    Quad total = sum_lanes(sums[i][0], sums[i][1], sums[i][2], sums[i][3]);
    float* to = target.c + i * target.ldc;
    if (!target.first) {
      total += load_quad<columns>(to);
    } else if (target.bias != nullptr) {
      total += load_quad<columns>(target.bias);
    }
    __builtin_memcpy(to, &total, columns * sizeof(float));
  }
}

template <Size columns>
void column_of_tiles(Size m, Size k, const float* a, Size lda, const float* b, Size ldb,
                     const Target& target) {
  // Tiles of nearly equal height: a last one with a single row would wait for its own sums.
  const Size tiles = (m + tile_rows - 1) / tile_rows;
  for (Size t = 0; t < tiles; ++t) {
    const Size begin = t * m / tiles;
    Target own = target;
    own.c += begin * target.ldc;
    const float* rows = a + begin * lda;
    switch ((t + 1) * m / tiles - begin) {
      case 1:
        tile<1, columns>(k, rows, lda, b, ldb, own);
        break;
      case 2:
        tile<2, columns>(k, rows, lda, b, ldb, own);
        break;
      case 3:
        tile<3, columns>(k, rows, lda, b, ldb, own);
        break;
#if REEL_LANE_BYTES == 64
      case 4:
        tile<4, columns>(k, rows, lda, b, ldb, own);
        break;
      case 5:
        tile<5, columns>(k, rows, lda, b, ldb, own);
        break;
      case 6:
        tile<6, columns>(k, rows, lda, b, ldb, own);
        break;
#endif
      default:
        __builtin_unreachable();
    }
  }
}

void run(Size m, Size begin, Size end, Size k, const float* a, Size lda, const float* b, Size ldb,
         const float* bias, float* c, Size ldc) {
  const Size pieces = (k + max_depth - 1) / max_depth;
  const Size depth = ((k + pieces - 1) / pieces + width - 1) / width * width;
  for (Size p = 0; p < k; p += depth) {
    const Size count = k - p < depth ? k - p : depth;
    auto columns_from = [&](Size j, auto* column) {
      column(m, count, a + p, lda, b + j * ldb + p, ldb,
             Target{bias == nullptr ? nullptr : bias + j, p == 0, c + j, ldc});
    };
    Size j = begin;
    for (; j + 4 <= end; j += 4) columns_from(j, column_of_tiles<4>);
    if (end - j == 3) columns_from(j, column_of_tiles<3>);
    if (end - j == 2) columns_from(j, column_of_tiles<2>);
    if (end - j == 1) columns_from(j, column_of_tiles<1>);
  }
}

}  // namespace

const DotGemmTable& dot_gemm_table() {
  static constexpr DotGemmTable table{run};
  return table;
}

}  // namespace reel::kernels::REEL_ISA
