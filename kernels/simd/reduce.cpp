#include "reel/kernels/simd/lane_math.h"

#include "reel/kernels/reduce_table.h"

namespace reel::kernels::REEL_ISA {
namespace {

// Each float lane takes in this many elements before it is added to the double total.
constexpr Size lane_length = 16;
// Columns are summed over this many rows before they are added to the double total.
constexpr Size block_rows = 256;
// Columns worked on at a time: their running sums stay in the first-level cache.
constexpr Size tile = 1024;

// ---- what is summed

template <class T>
REEL_INLINE Lanes<T> magnitude(const Lanes<T>& x) {
  return x < T(0) ? -x : x;
}

struct Identity {
  template <class T>
  static REEL_INLINE Lanes<T> map(const Lanes<T>& x, const Lanes<T>&, double) {
    return x;
  }
};
struct Magnitude {
  template <class T>
  static REEL_INLINE Lanes<T> map(const Lanes<T>& x, const Lanes<T>&, double) {
    return magnitude<T>(x);
  }
};
struct Square {
  template <class T>
  static REEL_INLINE Lanes<T> map(const Lanes<T>& x, const Lanes<T>&, double) {
    return x * x;
  }
};
struct Power {
  template <class T>
  static REEL_INLINE Lanes<T> map(const Lanes<T>& x, const Lanes<T>&, double p) {
    Lanes<T> y;
    for (Size i = 0; i < lane_count<T>; ++i) {
      y[i] = static_cast<T>(__builtin_pow(__builtin_fabs(static_cast<double>(x[i])), p));
    }
    return y;
  }
};
struct SquaredDeviation {
  template <class T>
  static REEL_INLINE Lanes<T> map(const Lanes<T>& x, const Lanes<T>& center, double) {
    const Lanes<T> d = x - center;
    return d * d;
  }
};
struct Exponential {
  template <class T>
  static REEL_INLINE Lanes<T> map(const Lanes<T>& x, const Lanes<T>& center, double) {
    return exp_nonpositive<T>(x - center);
  }
};
struct NonZero {
  template <class T>
  static REEL_INLINE Lanes<T> map(const Lanes<T>& x, const Lanes<T>&, double) {
    return x != T(0) ? splat(T(1)) : splat(T(0));
  }
};

// ---- sums

template <class T, class Map>
void sum_rows(const Block& block, void* results, const void* center, double p) {
  constexpr Size width = lane_count<T>;
  const Size n = block.columns;
  for (Size row = 0; row < block.rows; ++row) {
    const T* x = static_cast<const T*>(block.x) + row * block.row_stride;
    const Lanes<T> c = splat(center != nullptr ? static_cast<const T*>(center)[row] : T(0));
    LongSum<T> total;
    Size i = 0;
    while (i + 4 * width <= n) {
      const Size block_size = 4 * width * lane_length;
      const Size end = i + block_size < n ? i + block_size : n;
      Lanes<T> s0 = {}, s1 = {}, s2 = {}, s3 = {};
      for (; i + 4 * width <= end; i += 4 * width) {
        s0 += Map::template map<T>(load(x + i), c, p);
        s1 += Map::template map<T>(load(x + i + width), c, p);
        s2 += Map::template map<T>(load(x + i + 2 * width), c, p);
        s3 += Map::template map<T>(load(x + i + 3 * width), c, p);
      }
      total.add((s0 + s1) + (s2 + s3));
    }
    Lanes<T> rest = {};
    for (; i + width <= n; i += width) rest += Map::template map<T>(load(x + i), c, p);
    if (i < n) {
      const Lanes<T> y = Map::template map<T>(load_tail(x + i, n - i), c, p);
      rest += first_lanes<T>(n - i) ? y : splat(T(0));
    }
    total.add(rest);
    static_cast<double*>(results)[row] += total.value();
  }
}

/// Columns `[0, n)`, at most one vector of them, of up to eight rows: a tree of additions.
template <class T, class Map, class Load>
REEL_INLINE Lanes<T> sum_of_rows(const T* x, Size stride, Size count, const Lanes<T>& c, double p,
                                 const Load& load_row) {
  if (count == 8) {
    const Lanes<T> y0 = Map::template map<T>(load_row(x), c, p);
    const Lanes<T> y1 = Map::template map<T>(load_row(x + stride), c, p);
    const Lanes<T> y2 = Map::template map<T>(load_row(x + 2 * stride), c, p);
    const Lanes<T> y3 = Map::template map<T>(load_row(x + 3 * stride), c, p);
    const Lanes<T> y4 = Map::template map<T>(load_row(x + 4 * stride), c, p);
    const Lanes<T> y5 = Map::template map<T>(load_row(x + 5 * stride), c, p);
    const Lanes<T> y6 = Map::template map<T>(load_row(x + 6 * stride), c, p);
    const Lanes<T> y7 = Map::template map<T>(load_row(x + 7 * stride), c, p);
    return ((y0 + y1) + (y2 + y3)) + ((y4 + y5) + (y6 + y7));
  }
  Lanes<T> sum = Map::template map<T>(load_row(x), c, p);
  for (Size row = 1; row < count; ++row) {
    sum += Map::template map<T>(load_row(x + row * stride), c, p);
  }
  return sum;
}

template <class T, class Map>
void sum_columns(const Block& block, void* results, const void* center, double p) {
  constexpr Size width = lane_count<T>;
  const Size stride = block.row_stride;
  T partial[tile];
  for (Size left = 0; left < block.columns; left += tile) {
    const Size n = block.columns - left < tile ? block.columns - left : tile;
    const T* c = center != nullptr ? static_cast<const T*>(center) + left : nullptr;
    double* sums = static_cast<double*>(results) + left;
    for (Size top = 0; top < block.rows; top += block_rows) {
      const Size bottom = top + block_rows < block.rows ? top + block_rows : block.rows;
      for (Size row = top; row < bottom; row += 8) {
        const Size count = bottom - row < 8 ? bottom - row : 8;
        const T* x = static_cast<const T*>(block.x) + row * stride + left;
        const auto whole = [](const T* q) __attribute__((always_inline)) { return load(q); };
        Size j = 0;
        for (; j + width <= n; j += width) {
          const Lanes<T> cj = c != nullptr ? load(c + j) : Lanes<T>{};
          const Lanes<T> sum = sum_of_rows<T, Map>(x + j, stride, count, cj, p, whole);
          store<T>(partial + j, row == top ? sum : load(partial + j) + sum);
        }
        if (const Size rest = n - j; rest > 0) {
          const auto part = [rest](const T* q) __attribute__((always_inline)) {
            return load_tail(q, rest);
          };
          const Lanes<T> cj = c != nullptr ? load_tail(c + j, rest) : Lanes<T>{};
          const Lanes<T> sum = sum_of_rows<T, Map>(x + j, stride, count, cj, p, part);
          store<T>(partial + j, row == top ? sum : load(partial + j) + sum);
        }
      }
      for (Size j = 0; j < n; ++j) sums[j] += static_cast<double>(partial[j]);
    }
  }
}

// ---- products

template <class T>
void prod_rows(const Block& block, void* results, const void*, double) {
  constexpr Size strands = 16;
  for (Size row = 0; row < block.rows; ++row) {
    const T* x = static_cast<const T*>(block.x) + row * block.row_stride;
    double products[strands];
    for (Size k = 0; k < strands; ++k) products[k] = 1;
    Size i = 0;
    for (; i + strands <= block.columns; i += strands) {
      for (Size k = 0; k < strands; ++k) products[k] *= static_cast<double>(x[i + k]);
    }
    for (Size k = 0; i < block.columns; ++i, ++k) products[k] *= static_cast<double>(x[i]);
    double product = 1;
    for (Size k = 0; k < strands; ++k) product *= products[k];
    static_cast<double*>(results)[row] *= product;
  }
}

template <class T>
void prod_columns(const Block& block, void* results, const void*, double) {
  double* __restrict products = static_cast<double*>(results);
  for (Size row = 0; row < block.rows; ++row) {
    const T* __restrict x = static_cast<const T*>(block.x) + row * block.row_stride;
    for (Size j = 0; j < block.columns; ++j) products[j] *= static_cast<double>(x[j]);
  }
}

// ---- extremes of floating numbers

// A NaN replaces every number and is replaced by none: (x > NaN) is false.
struct Greatest {
  template <class T>
  static REEL_INLINE Lanes<T> pick(const Lanes<T>& best, const Lanes<T>& x) {
    return ((x > best) | (x != x)) ? x : best;
  }
  template <class T>
  static constexpr T worst = -static_cast<T>(__builtin_huge_val());
};
struct Least {
  template <class T>
  static REEL_INLINE Lanes<T> pick(const Lanes<T>& best, const Lanes<T>& x) {
    return ((x < best) | (x != x)) ? x : best;
  }
  template <class T>
  static constexpr T worst = static_cast<T>(__builtin_huge_val());
};

template <class T, class Order, class Map>
void extreme_rows(const Block& block, void* results, const void*, double) {
  constexpr Size width = lane_count<T>;
  const Size n = block.columns;
  const Lanes<T> worst = splat(Order::template worst<T>);
  for (Size row = 0; row < block.rows; ++row) {
    const T* x = static_cast<const T*>(block.x) + row * block.row_stride;
    const auto at = [x](Size i) __attribute__((always_inline)) {
      return Map::template map<T>(load(x + i), Lanes<T>{}, 0);
    };
    Lanes<T> b0 = worst, b1 = worst, b2 = worst, b3 = worst;
    Size i = 0;
    for (; i + 4 * width <= n; i += 4 * width) {
      b0 = Order::template pick<T>(b0, at(i));
      b1 = Order::template pick<T>(b1, at(i + width));
      b2 = Order::template pick<T>(b2, at(i + 2 * width));
      b3 = Order::template pick<T>(b3, at(i + 3 * width));
    }
    for (; i + width <= n; i += width) b0 = Order::template pick<T>(b0, at(i));
    if (i < n) {
      const Lanes<T> y = Map::template map<T>(load_tail(x + i, n - i), Lanes<T>{}, 0);
      b1 = Order::template pick<T>(b1, first_lanes<T>(n - i) ? y : worst);
    }
    const auto pick = [](const Lanes<T>& a, const Lanes<T>& b) __attribute__((always_inline)) {
      return Order::template pick<T>(a, b);
    };
    T* best = static_cast<T*>(results) + row;
    const Lanes<T> all = pick(pick(b0, b1), pick(b2, b3));
    *best = pick(splat(*best), splat(static_cast<T>(fold_lanes(all, pick))))[0];
  }
}

template <class T, class Order, class Map>
void extreme_columns(const Block& block, void* results, const void*, double) {
  constexpr Size width = lane_count<T>;
  const Size stride = block.row_stride;
  T* best = static_cast<T*>(results);
  // Four rows at a time, so that the running extremes are read and written a quarter as often.
  for (Size row = 0; row < block.rows; row += 4) {
    const Size count = block.rows - row < 4 ? block.rows - row : 4;
    const T* x = static_cast<const T*>(block.x) + row * stride;
    Size j = 0;
    for (; j + width <= block.columns; j += width) {
      Lanes<T> b = load(best + j);
      for (Size k = 0; k < count; ++k) {
        b = Order::template pick<T>(b,
                                    Map::template map<T>(load(x + k * stride + j), Lanes<T>{}, 0));
      }
      store<T>(best + j, b);
    }
    if (const Size rest = block.columns - j; rest > 0) {
      Lanes<T> b = load_tail(best + j, rest);
      for (Size k = 0; k < count; ++k) {
        b = Order::template pick<T>(
            b, Map::template map<T>(load_tail(x + k * stride + j, rest), Lanes<T>{}, 0));
      }
      store_tail<T>(best + j, b, rest);
    }
  }
}

// ---- everything else: plain loops

struct Add {
  template <class A, class T>
  static A apply(A a, T x) {
    return static_cast<A>(a + static_cast<A>(x));
  }
};
struct Multiply {
  template <class A, class T>
  static A apply(A a, T x) {
    return static_cast<A>(a * static_cast<A>(x));
  }
};
struct Count {
  template <class A, class T>
  static A apply(A a, T x) {
    return static_cast<A>(a + (x != T(0) ? A(1) : A(0)));
  }
};
struct Or {
  template <class A, class T>
  static A apply(A a, T x) {
    return static_cast<A>(a | (x != T(0) ? A(1) : A(0)));
  }
};
struct And {
  template <class A, class T>
  static A apply(A a, T x) {
    return static_cast<A>(a & (x != T(0) ? A(1) : A(0)));
  }
};
struct Higher {
  template <class A, class T>
  static A apply(A a, T x) {
    return x > a ? x : a;
  }
};
struct Lower {
  template <class A, class T>
  static A apply(A a, T x) {
    return x < a ? x : a;
  }
};

template <class T, class A, class Op>
void fold_rows(const Block& block, void* results, const void*, double) {
  for (Size row = 0; row < block.rows; ++row) {
    const T* x = static_cast<const T*>(block.x) + row * block.row_stride;
    A result = static_cast<A*>(results)[row];
    for (Size i = 0; i < block.columns; ++i) result = Op::apply(result, x[i]);
    static_cast<A*>(results)[row] = result;
  }
}

template <class T, class A, class Op>
void fold_columns(const Block& block, void* results, const void*, double) {
  A* __restrict result = static_cast<A*>(results);
  for (Size row = 0; row < block.rows; ++row) {
    const T* __restrict x = static_cast<const T*>(block.x) + row * block.row_stride;
    for (Size j = 0; j < block.columns; ++j) result[j] = Op::apply(result[j], x[j]);
  }
}

// ---- the table

constexpr void set(ReduceTable& table, Reduction op, DType dtype, ReduceKernel rows,
                   ReduceKernel columns) {
  table.rows[static_cast<int>(op)][static_cast<int>(dtype)] = rows;
  table.columns[static_cast<int>(op)][static_cast<int>(dtype)] = columns;
}

template <class T>
constexpr void set_floating(ReduceTable& t, DType dtype) {
  using enum Reduction;
  set(t, sum, dtype, sum_rows<T, Identity>, sum_columns<T, Identity>);
  set(t, sum_abs, dtype, sum_rows<T, Magnitude>, sum_columns<T, Magnitude>);
  set(t, sum_squares, dtype, sum_rows<T, Square>, sum_columns<T, Square>);
  set(t, sum_pow, dtype, sum_rows<T, Power>, sum_columns<T, Power>);
  set(t, sum_squared_deviations, dtype, sum_rows<T, SquaredDeviation>,
      sum_columns<T, SquaredDeviation>);
  set(t, sum_exp, dtype, sum_rows<T, Exponential>, sum_columns<T, Exponential>);
  set(t, count_nonzero, dtype, sum_rows<T, NonZero>, sum_columns<T, NonZero>);
  set(t, prod, dtype, prod_rows<T>, prod_columns<T>);
  set(t, max, dtype, extreme_rows<T, Greatest, Identity>, extreme_columns<T, Greatest, Identity>);
  set(t, min, dtype, extreme_rows<T, Least, Identity>, extreme_columns<T, Least, Identity>);
  set(t, max_abs, dtype, extreme_rows<T, Greatest, Magnitude>,
      extreme_columns<T, Greatest, Magnitude>);
  set(t, min_abs, dtype, extreme_rows<T, Least, Magnitude>, extreme_columns<T, Least, Magnitude>);
}

template <class T>
constexpr void set_logical(ReduceTable& t, DType dtype) {
  set(t, Reduction::any, dtype, fold_rows<T, Size, Or>, fold_columns<T, Size, Or>);
  set(t, Reduction::all, dtype, fold_rows<T, Size, And>, fold_columns<T, Size, And>);
}

template <class T>
constexpr void set_integral(ReduceTable& t, DType dtype) {
  using enum Reduction;
  set(t, sum, dtype, fold_rows<T, Size, Add>, fold_columns<T, Size, Add>);
  set(t, count_nonzero, dtype, fold_rows<T, Size, Count>, fold_columns<T, Size, Count>);
  set(t, prod, dtype, fold_rows<T, Size, Multiply>, fold_columns<T, Size, Multiply>);
  set(t, max, dtype, fold_rows<T, T, Higher>, fold_columns<T, T, Higher>);
  set(t, min, dtype, fold_rows<T, T, Lower>, fold_columns<T, T, Lower>);
}

constexpr ReduceTable make_table() {
  ReduceTable t = {};
  set_floating<float>(t, DType::float32);
  set_floating<double>(t, DType::float64);
  set_integral<std::int64_t>(t, DType::int64);
  set_integral<std::int32_t>(t, DType::int32);
  set_integral<std::uint8_t>(t, DType::uint8);
  set_integral<std::uint8_t>(t, DType::bool_);
  set_logical<float>(t, DType::float32);
  set_logical<double>(t, DType::float64);
  set_logical<std::int64_t>(t, DType::int64);
  set_logical<std::int32_t>(t, DType::int32);
  set_logical<std::uint8_t>(t, DType::uint8);
  set_logical<std::uint8_t>(t, DType::bool_);
  return t;
}

constexpr ReduceTable table = make_table();

}  // namespace

const ReduceTable& reduce_table() { return table; }

}  // namespace reel::kernels::REEL_ISA
