#include "reel/kernels/pool_table.h"

#include "reel/kernels/simd/lanes.h"

namespace reel::kernels::REEL_ISA {
namespace {

template <class T>
REEL_INLINE Lanes<T> load_some(const T* from, Size n) {
  return n >= lane_count<T> ? load(from) : load_tail(from, n);
}

template <class T>
REEL_INLINE void store_some(T* to, const Lanes<T>& v, Size n) {
  if (n >= lane_count<T>) {
    store<T>(to, v);
  } else {
    store_tail<T>(to, v, n);
  }
}

// Lanes of cell numbers, held in integers as wide as T and stored as I.
template <class T, class I>
struct IndexLanes {
  using Wide = LaneMask<T>;
  typedef I Narrow __attribute__((vector_size(lane_count<T> * sizeof(I))));

  static REEL_INLINE Wide read(const I* from, Size n) {
    Narrow narrow{};
    if (n >= lane_count<T>) {
      __builtin_memcpy(&narrow, from, sizeof narrow);
    } else {
      for (Size i = 0; i < n; ++i) narrow[i] = from[i];
    }
    return __builtin_convertvector(narrow, Wide);
  }
  static REEL_INLINE void write(I* to, const Wide& wide, Size n) {
    const Narrow narrow = __builtin_convertvector(wide, Narrow);
    if (n >= lane_count<T>) {
      __builtin_memcpy(to, &narrow, sizeof narrow);
    } else {
      for (Size i = 0; i < n; ++i) to[i] = narrow[i];
    }
  }
  static REEL_INLINE Wide every(Size value) {
    return Wide{} + static_cast<typename LaneTraits<T>::Int>(value);
  }
};

template <class I>
constexpr Size nothing = static_cast<Size>(static_cast<I>(-1));

/// The cells of a window that lie inside the image, along one axis.
struct Cells {
  Size origin;  // where cell 0 would lie
  Size begin, end;
};

REEL_INLINE Cells cells_inside(Size out, Size in, Size kernel, Size stride, Size padding,
                               Size dilation) {
  Cells cells{out * stride - padding, 0, kernel};
  while (cells.begin < kernel && cells.origin + cells.begin * dilation < 0) ++cells.begin;
  while (cells.end > cells.begin && cells.origin + (cells.end - 1) * dilation >= in) --cells.end;
  return cells;
}

/// Calls `f(cell number, pixel)` for every cell of a window inside the image.
template <class F>
REEL_INLINE void each_cell(const PoolShape& s, const Cells& rows, const Cells& columns, Size image,
                           const F& f) {
  for (Size kh = rows.begin; kh < rows.end; ++kh) {
    const Size row = (image * s.in_h + rows.origin + kh * s.dilation_h) * s.in_w;
    for (Size kw = columns.begin; kw < columns.end; ++kw) {
      f(kh * s.kernel_w + kw, row + columns.origin + kw * s.dilation_w);
    }
  }
}

/// Calls `f(window's rows, its columns, image, output pixel)` for rows of the output.
template <class F>
REEL_INLINE void each_window(const PoolShape& s, Size begin_row, Size end_row, const F& f) {
  for (Size row = begin_row; row < end_row; ++row) {
    const Cells rows =
        cells_inside(row % s.out_h, s.in_h, s.kernel_h, s.stride_h, s.padding_h, s.dilation_h);
    for (Size ow = 0; ow < s.out_w; ++ow) {
      const Cells columns =
          cells_inside(ow, s.in_w, s.kernel_w, s.stride_w, s.padding_w, s.dilation_w);
      f(rows, columns, row / s.out_h, row * s.out_w + ow);
    }
  }
}

/// Whether all cells of a window lie inside.
REEL_INLINE bool whole(const Cells& cells, Size kernel) {
  return cells.begin == 0 && cells.end == kernel;
}

/// `side` is the side of a square window known when compiling, whose loops then unroll; 0 for any.
/// Without `keep` no indices are written.
template <class T, class I, Size side, bool keep>
void max_rows(const PoolShape& s, Size begin_row, Size end_row, const T* x, bool relu, T* y,
              I* index) {
  using Index = IndexLanes<T, I>;
  each_window(
      s, begin_row, end_row, [&](const Cells& rows, const Cells& columns, Size image, Size out) {
        const bool unrolled = side > 0 && whole(rows, side) && whole(columns, side);
        const T* corner =
            x + ((image * s.in_h + rows.origin) * s.in_w + columns.origin) * s.channels;
        for (Size c = 0; c < s.channels; c += lane_count<T>) {
          const Size n = s.channels - c;
          Lanes<T> largest = splat(-static_cast<T>(__builtin_inf()));
          // What is nowhere larger, such as -inf, came from the first cell, where there is one.
          const bool any = rows.begin < rows.end && columns.begin < columns.end;
          LaneMask<T> where =
              Index::every(any ? rows.begin * s.kernel_w + columns.begin : nothing<I>);
          auto visit = [&](Size cell, const T* from) __attribute__((always_inline)) {
            const Lanes<T> value = load_some(from, n);
            const LaneMask<T> better = (value > largest) | (value != value);
            largest = better ? value : largest;
            if constexpr (keep) where = better ? Index::every(cell) : where;
          };
          if (unrolled) {
            for (Size kh = 0; kh < side; ++kh) {
              for (Size kw = 0; kw < side; ++kw) {
                visit(kh * side + kw,
                      corner + (kh * s.dilation_h * s.in_w + kw * s.dilation_w) * s.channels + c);
              }
            }
          } else {
            each_cell(s, rows, columns, image,
                      [&](Size cell, Size pixel) { visit(cell, x + pixel * s.channels + c); });
          }
          if (relu) {
            const LaneMask<T> off = largest <= Lanes<T>{};
            largest = off ? Lanes<T>{} : largest;
            where = off ? Index::every(nothing<I>) : where;
          }
          store_some(y + out * s.channels + c, largest, n);
          if constexpr (keep) Index::write(index + out * s.channels + c, where, n);
        }
      });
}

template <class T, class I, bool keep>
void max_any_side(const PoolShape& s, Size begin_row, Size end_row, const T* x, bool relu, T* y,
                  I* index) {
  const Size side = s.kernel_h == s.kernel_w ? s.kernel_h : 0;
  auto* rows = side == 2   ? max_rows<T, I, 2, keep>
               : side == 3 ? max_rows<T, I, 3, keep>
                           : max_rows<T, I, 0, keep>;
  rows(s, begin_row, end_row, x, relu, y, index);
}

template <class T, class I>
void max_forward(const PoolShape& s, Size begin_row, Size end_row, const T* x, bool relu, T* y,
                 I* index) {
  auto* rows = index != nullptr ? max_any_side<T, I, true> : max_any_side<T, I, false>;
  rows(s, begin_row, end_row, x, relu, y, index);
}

template <class T, class I>
void max_gather(const PoolShape& s, Size begin_row, Size end_row, const T* x, const I* index,
                T* y) {
  using Index = IndexLanes<T, I>;
  each_window(s, begin_row, end_row,
              [&](const Cells& rows, const Cells& columns, Size image, Size out) {
                for (Size c = 0; c < s.channels; c += lane_count<T>) {
                  const Size n = s.channels - c;
                  const LaneMask<T> where = Index::read(index + out * s.channels + c, n);
                  Lanes<T> found{};
                  each_cell(s, rows, columns, image, [&](Size cell, Size pixel) {
                    const Lanes<T> value = load_some(x + pixel * s.channels + c, n);
                    found = where == Index::every(cell) ? value : found;
                  });
                  store_some(y + out * s.channels + c, found, n);
                }
              });
}

/// Windows that neither overlap nor leave gaps between them write every cell once.
REEL_INLINE bool tiles(const PoolShape& s) {
  return s.kernel_h == s.stride_h && s.kernel_w == s.stride_w && s.padding_h == 0 &&
         s.padding_w == 0 && s.dilation_h == 1 && s.dilation_w == 1 &&
         s.out_h * s.stride_h <= s.in_h && s.out_w * s.stride_w <= s.in_w;
}

template <class T>
REEL_INLINE void clear(T* from, const T* to) {
  __builtin_memset(from, 0, static_cast<std::size_t>(to - from) * sizeof(T));
}

template <class T, class I>
void max_scatter(const PoolShape& s, Size begin_image, Size end_image, const T* dy, const I* index,
                 T* dx) {
  using Index = IndexLanes<T, I>;
  const bool once = tiles(s);
  const Size row = s.in_w * s.channels;
  for (Size image = begin_image; image < end_image; ++image) {
    T* own = dx + image * s.in_h * row;
    if (!once) {
      clear(own, own + s.in_h * row);
      continue;
    }
    const Size used = s.out_w * s.stride_w * s.channels;
    for (Size h = 0; h < s.out_h * s.stride_h && used < row; ++h)
      clear(own + h * row + used, own + (h + 1) * row);
    clear(own + s.out_h * s.stride_h * row, own + s.in_h * row);
  }
  each_window(s, begin_image * s.out_h, end_image * s.out_h,
              [&](const Cells& rows, const Cells& columns, Size image, Size out) {
                for (Size c = 0; c < s.channels; c += lane_count<T>) {
                  const Size n = s.channels - c;
                  const LaneMask<T> where = Index::read(index + out * s.channels + c, n);
                  const Lanes<T> gradient = load_some(dy + out * s.channels + c, n);
                  each_cell(s, rows, columns, image, [&](Size cell, Size pixel) {
                    T* to = dx + pixel * s.channels + c;
                    const Lanes<T> mine = where == Index::every(cell) ? gradient : Lanes<T>{};
                    store_some(to, once ? mine : load_some<T>(to, n) + mine, n);
                  });
                }
              });
}

template <class F>
REEL_INLINE void each_average(const AvgPoolShape& s, Size begin_row, Size end_row, const F& f) {
  for (Size row = begin_row; row < end_row; ++row) {
    for (Size ow = 0; ow < s.out_w; ++ow) {
      f(s.rows[row % s.out_h], s.columns[ow], row / s.out_h, row * s.out_w + ow);
    }
  }
}

template <class F>
REEL_INLINE void each_cell(const AvgPoolShape& s, const Window& rows, const Window& columns,
                           Size image, const F& f) {
  for (Size h = rows.begin; h < rows.end; ++h) {
    for (Size w = columns.begin; w < columns.end; ++w) f((image * s.in_h + h) * s.in_w + w);
  }
}

template <class T>
void avg_forward(const AvgPoolShape& s, Size begin_row, Size end_row, const T* x, T* y) {
  each_average(s, begin_row, end_row,
               [&](const Window& rows, const Window& columns, Size image, Size out) {
                 const T factor = T{1} / static_cast<T>(rows.divisor * columns.divisor);
                 for (Size c = 0; c < s.channels; c += lane_count<T>) {
                   const Size n = s.channels - c;
                   Lanes<T> sum{};
                   each_cell(s, rows, columns, image,
                             [&](Size pixel) { sum += load_some(x + pixel * s.channels + c, n); });
                   store_some<T>(y + out * s.channels + c, sum * factor, n);
                 }
               });
}

template <class T>
void avg_scatter(const AvgPoolShape& s, Size begin_image, Size end_image, const T* dy, T* dx) {
  const Size image_size = s.in_h * s.in_w * s.channels;
  clear(dx + begin_image * image_size, dx + end_image * image_size);
  each_average(s, begin_image * s.out_h, end_image * s.out_h,
               [&](const Window& rows, const Window& columns, Size image, Size out) {
                 const T factor = T{1} / static_cast<T>(rows.divisor * columns.divisor);
                 for (Size c = 0; c < s.channels; c += lane_count<T>) {
                   const Size n = s.channels - c;
                   const Lanes<T> part = load_some(dy + out * s.channels + c, n) * factor;
                   each_cell(s, rows, columns, image, [&](Size pixel) {
                     T* to = dx + pixel * s.channels + c;
                     store_some<T>(to, load_some<T>(to, n) + part, n);
                   });
                 }
               });
}

template <class T, class I>
constexpr MaxPoolKernels<T, I> max_kernels{max_forward<T, I>, max_gather<T, I>, max_scatter<T, I>};
template <class T>
constexpr AvgPoolKernels<T> avg_kernels{avg_forward<T>, avg_scatter<T>};

}  // namespace

const PoolTable& pool_table() {
  static constexpr PoolTable table{max_kernels<float, std::uint8_t>,
                                   max_kernels<float, std::int32_t>,
                                   max_kernels<double, std::uint8_t>,
                                   max_kernels<double, std::int32_t>,
                                   avg_kernels<float>,
                                   avg_kernels<double>};
  return table;
}

}  // namespace reel::kernels::REEL_ISA
