#include "reel/kernels/lstm_table.h"

#include "reel/kernels/simd/lane_math.h"

namespace reel::kernels::REEL_ISA {
namespace {

// Rows of a tile: with four vectors a row, its sums just fit into the registers.
#if defined(__AVX512F__)
constexpr int tile_rows = 6;
#else
constexpr int tile_rows = 3;
#endif
// Vectors in a row of a tile: the four gates of as many hidden units as a vector holds, or columns.
constexpr int tile_columns = 4;
// So many terms of each sum at a time: their weights, for a tile, stay in the first cache.
constexpr Size term_block = 128;
// The gates are computed from more at a time, straight from the second cache: less to put aside.
constexpr Size gate_term_block = 256;

template <class T>
constexpr Size tile_width = tile_columns * lane_count<T>;

constexpr Size divide_up(Size a, Size b) { return (a + b - 1) / b; }

/// Sums of products for `rows` rows and four vectors of columns.
template <class T, int rows>
struct Tile {
  Lanes<T> sum[rows][tile_columns];

  /// sum += a b, where a [rows, terms] has rows `stride` apart and b [terms, tile_width] has none
  /// between its rows.
  inline void add(Size terms, const T* a, Size stride, const T* b) {
    for (Size k = 0; k < terms; ++k, b += tile_width<T>) {
      const Lanes<T> b0 = load(b), b1 = load(b + lane_count<T>), b2 = load(b + 2 * lane_count<T>),
                     b3 = load(b + 3 * lane_count<T>);
#pragma GCC unroll 8
      for (int r = 0; r < rows; ++r) {
        const Lanes<T> factor = splat(a[r * stride + k]);
        sum[r][0] = mul_add<T>(factor, b0, sum[r][0]);
        sum[r][1] = mul_add<T>(factor, b1, sum[r][1]);
        sum[r][2] = mul_add<T>(factor, b2, sum[r][2]);
        sum[r][3] = mul_add<T>(factor, b3, sum[r][3]);
      }
    }
  }
};

/// Calls `f.operator()<n>(first)` for tiles of n rows, as even as can be. What a row's sums are
/// does not depend on the tile it is in.
template <class F>
inline void for_tiles(Size rows, const F& f) {
  Size tiles = divide_up(rows, tile_rows);
  for (Size row = 0; row < rows; --tiles) {
    const Size n = divide_up(rows - row, tiles);
    switch (n) {
      case 1:
        f.template operator()<1>(row);
        break;
      case 2:
        f.template operator()<2>(row);
        break;
      case 3:
        f.template operator()<3>(row);
        break;
#if defined(__AVX512F__)
      case 4:
        f.template operator()<4>(row);
        break;
      case 5:
        f.template operator()<5>(row);
        break;
      default:
        f.template operator()<6>(row);
        break;
#endif
    }
    row += n;
  }
}

// ---- forward

template <class T>
Size packed_units(Size hidden) {
  return divide_up(hidden, lane_count<T>) * tile_width<T>;
}

/// Blocks of as many units as a vector holds; in each, for each term, the weights of the four
/// gates.
template <class T>
void pack_gates(Size input, Size hidden, const T* weight_ih, const T* weight_hh, T* packed) {
  const Size terms = input + hidden;
  for (Size unit = 0; unit < hidden; unit += lane_count<T>, packed += terms * tile_width<T>) {
    for (Size gate = 0; gate < 4; ++gate) {
      for (Size lane = 0; lane < lane_count<T>; ++lane) {
        T* const to = packed + gate * lane_count<T> + lane;
        const Size row = gate * hidden + unit + lane;
        const bool exists = unit + lane < hidden;
        for (Size k = 0; k < input; ++k)
          to[k * tile_width<T>] = exists ? weight_ih[row * input + k] : T(0);
        for (Size k = 0; k < hidden; ++k)
          to[(input + k) * tile_width<T>] = exists ? weight_hh[row * hidden + k] : T(0);
      }
    }
  }
}

/// The terms of a sum from `first` to `last` that belong to one of its operands.
struct Part {
  Size first, count;
};
inline Part part_of(Size first, Size last, Size begin, Size end) {
  const Size from = first > begin ? first : begin, to = last < end ? last : end;
  return {from - begin, to > from ? to - from : 0};
}

template <class T>
struct ForwardStep {
  LSTMStep<T> s;

  /// What the terms from `first` to `last` (of x, then of h_before) add to the gates of some rows
  /// and units; the functions of the gates with the last of them.
  template <int rows>
  inline void run(Size row, Size unit, Size first, Size last, bool finish) const {
    const Size hidden = s.hidden, n = hidden - unit;
    T* const z = s.gates + row * 4 * hidden + unit;
    Tile<T, rows> tile;
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
      for (int gate = 0; gate < 4; ++gate) {
        tile.sum[r][gate] = first > 0           ? load_some(z + (r * 4 + gate) * hidden, n)
                            : s.bias != nullptr ? load_some(s.bias + gate * hidden + unit, n)
                                                : Lanes<T>{};
      }
    }
    const T* const b = s.packed + unit / lane_count<T> * (s.input + hidden) * tile_width<T>;
    const Part of_x = part_of(first, last, 0, s.input);
    const Part of_h = part_of(first, last, s.input, s.input + hidden);
    if (of_x.count > 0) {
      tile.add(of_x.count, s.x + row * s.input + of_x.first, s.input,
               b + of_x.first * tile_width<T>);
    }
    if (of_h.count > 0) {
      tile.add(of_h.count, s.h_before + row * hidden + of_h.first, hidden,
               b + (s.input + of_h.first) * tile_width<T>);
    }
    if (!finish) {
#pragma GCC unroll 8
      for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
        for (int gate = 0; gate < 4; ++gate)
          store_some(z + (r * 4 + gate) * hidden, tile.sum[r][gate], n);
      }
      return;
    }
    for (int r = 0; r < rows; ++r) {
      const Size at = (row + r) * hidden + unit;
      const Lanes<T> i = sigmoid<T>(tile.sum[r][0]), f = sigmoid<T>(tile.sum[r][1]);
      const Lanes<T> g = tanh<T>(tile.sum[r][2]), o = sigmoid<T>(tile.sum[r][3]);
      Lanes<T> cell = i * g;
      if (s.c_before != nullptr) cell = mul_add<T>(f, load_some(s.c_before + at, n), cell);
      T* const to = z + r * 4 * hidden;
      store_some(to, i, n);
      store_some(to + hidden, f, n);
      store_some(to + 2 * hidden, g, n);
      store_some(to + 3 * hidden, o, n);
      store_some(s.c + at, cell, n);
      store_some(s.h + at, o * tanh<T>(cell), n);
    }
  }
};

template <class T>
void forward(Size rows, const LSTMStep<T>& s) {
  const ForwardStep<T> step{s};
  const Size terms = s.input + (s.h_before != nullptr ? s.hidden : 0);
  Size first = 0;
  do {  // once even without a term
    const Size last = first + gate_term_block < terms ? first + gate_term_block : terms;
    for (Size unit = 0; unit < s.hidden; unit += lane_count<T>) {
      for_tiles(rows, [&]<int n>(Size row) {
        step.template run<n>(row, unit, first, last, last == terms);
      });
    }
    first = last;
  } while (first < terms);
}

// ---- backward

/// h = o tanh(c), c = f c_before + i g:
///
///   dc += dh o (1 - tanh(c)^2),  dc_before = dc f,
///   di = dc g,  df = dc c_before,  dg = dc i,  do = dh tanh(c)
///
/// and for each gate the derivative of its function, sigmoid' = s (1 - s), tanh' = 1 - t^2.
template <class T>
void backward(Size rows, Size hidden, const T* gates, const T* c, const T* c_before, const T* dy,
              const T* dh, T* dc, T* dz) {
  const Lanes<T> one = splat(T(1));
  for (Size row = 0; row < rows; ++row) {
    for (Size unit = 0; unit < hidden; unit += lane_count<T>) {
      const Size n = hidden - unit, at = row * hidden + unit, z = row * 4 * hidden + unit;
      const Lanes<T> i = load_some(gates + z, n), f = load_some(gates + z + hidden, n);
      const Lanes<T> g = load_some(gates + z + 2 * hidden, n);
      const Lanes<T> o = load_some(gates + z + 3 * hidden, n);
      const Lanes<T> y = tanh<T>(load_some(c + at, n));
      const Lanes<T> d_h = load_some(dy + at, n) + load_some(dh + at, n);
      const Lanes<T> d_c = mul_add<T>(d_h * o, neg_mul_add<T>(y, y, one), load_some(dc + at, n));
      const Lanes<T> before = c_before != nullptr ? load_some(c_before + at, n) : Lanes<T>{};
      store_some(dz + z, d_c * g * i * (one - i), n);
      store_some(dz + z + hidden, d_c * before * f * (one - f), n);
      store_some(dz + z + 2 * hidden, d_c * i * neg_mul_add<T>(g, g, one), n);
      store_some(dz + z + 3 * hidden, d_h * y * o * (one - o), n);
      store_some(dc + at, d_c * f, n);
    }
  }
}

template <class T>
Size packed_columns(Size hidden) {
  return divide_up(hidden, tile_width<T>) * tile_width<T>;
}

/// Columns in blocks of a tile's width, in each block row by row.
template <class T>
void pack_columns(Size hidden, const T* weight, T* packed) {
  for (Size column = 0; column < hidden; column += tile_width<T>) {
    for (Size k = 0; k < 4 * hidden; ++k, packed += tile_width<T>) {
      for (Size j = 0; j < tile_width<T>; ++j) {
        packed[j] = column + j < hidden ? weight[k * hidden + column + j] : T(0);
      }
    }
  }
}

template <class T>
void product(Size rows, Size hidden, const T* packed, const T* dz, T* dh) {
  const Size terms = 4 * hidden;
  for (Size first = 0; first < terms; first += term_block) {
    const Size count = terms - first < term_block ? terms - first : term_block;
    for (Size column = 0; column < hidden; column += tile_width<T>) {
      const T* b = packed + (column / tile_width<T> * terms + first) * tile_width<T>;
      for_tiles(rows, [&]<int n>(Size row) {
        Tile<T, n> tile;
        T* const to = dh + row * hidden + column;
#pragma GCC unroll 8
        for (int r = 0; r < n; ++r) {
#pragma GCC unroll 4
          for (int j = 0; j < tile_columns; ++j) {
            const Size at = j * lane_count<T>;
            tile.sum[r][j] = first == 0 || column + at >= hidden
                                 ? Lanes<T>{}
                                 : load_some(to + r * hidden + at, hidden - column - at);
          }
        }
        tile.add(count, dz + row * terms + first, terms, b);
#pragma GCC unroll 8
        for (int r = 0; r < n; ++r) {
#pragma GCC unroll 4
          for (int j = 0; j < tile_columns; ++j) {
            const Size at = j * lane_count<T>;
            if (column + at < hidden)
              store_some(to + r * hidden + at, tile.sum[r][j], hidden - column - at);
          }
        }
      });
    }
  }
}

template <class T>
constexpr LSTMKernels<T> kernels{packed_units<T>,   pack_gates<T>,   forward<T>, backward<T>,
                                 packed_columns<T>, pack_columns<T>, product<T>};

}  // namespace

const LSTMTable& lstm_table() {
  static constexpr LSTMTable table{kernels<float>, kernels<double>};
  return table;
}

}  // namespace reel::kernels::REEL_ISA
