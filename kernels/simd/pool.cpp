#include "reel/kernels/pool_table.h"

#include "reel/kernels/simd/lanes.h"

namespace reel::kernels::REEL_ISA {
namespace {

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
    return Wide{} + static_cast<typename RegisterOf<T>::Int>(value);
  }
};

template <class I>
constexpr Size nothing = static_cast<Size>(static_cast<I>(-1));

/// The cells of a window that lie inside the image, along one axis.
struct Cells {
  Size origin;  // where cell 0 would lie
  Size begin, end;
};

REEL_INLINE Cells cells_inside(const WindowAxis& a, bool even, Size out) {
  if (even) {
    const Size begin = out * a.in / a.out, end = ((out + 1) * a.in + a.out - 1) / a.out;
    return {begin, 0, end - begin};
  }
  Cells cells{out * a.stride - a.padding, 0, a.kernel};
  while (cells.begin < a.kernel && cells.origin + cells.begin * a.dilation < 0) ++cells.begin;
  while (cells.end > cells.begin && cells.origin + (cells.end - 1) * a.dilation >= a.in)
    --cells.end;
  return cells;
}

/// A window of the output: its image, pixel and cells.
struct PoolWindow {
  Size image, out;
  Cells depth, rows, columns;
};

/// Calls `f(cell number, pixel)` for every cell of a window inside the image.
template <class F>
REEL_INLINE void each_cell(const PoolShape& s, const PoolWindow& w, const F& f) {
  for (Size kd = w.depth.begin; kd < w.depth.end; ++kd) {
    const Size plane = w.image * s.depth.in + w.depth.origin + kd * s.depth.dilation;
    for (Size kh = w.rows.begin; kh < w.rows.end; ++kh) {
      const Size row = (plane * s.rows.in + w.rows.origin + kh * s.rows.dilation) * s.columns.in;
      for (Size kw = w.columns.begin; kw < w.columns.end; ++kw) {
        f((kd * s.rows.kernel + kh) * s.columns.kernel + kw,
          row + w.columns.origin + kw * s.columns.dilation);
      }
    }
  }
}

/// Calls `f(window)` for rows of the output.
template <class F>
REEL_INLINE void each_window(const PoolShape& s, Size begin_row, Size end_row, const F& f) {
  for (Size row = begin_row; row < end_row; ++row) {
    const Size plane = row / s.rows.out;
    PoolWindow w{plane / s.depth.out,
                 0,
                 cells_inside(s.depth, s.even, plane % s.depth.out),
                 cells_inside(s.rows, s.even, row % s.rows.out),
                 {}};
    for (Size ow = 0; ow < s.columns.out; ++ow) {
      w.out = row * s.columns.out + ow;
      w.columns = cells_inside(s.columns, s.even, ow);
      f(w);
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
  each_window(s, begin_row, end_row, [&](const PoolWindow& w) {
    const bool unrolled = side > 0 && whole(w.rows, side) && whole(w.columns, side) &&
                          s.depth.kernel == 1 && w.depth.end == 1;
    const Size plane = w.image * s.depth.in + w.depth.origin;
    const T* corner =
        x + ((plane * s.rows.in + w.rows.origin) * s.columns.in + w.columns.origin) * s.channels;
    for (Size c = 0; c < s.channels; c += lane_count<T>) {
      const Size n = s.channels - c;
      Lanes<T> largest = splat(-static_cast<T>(__builtin_inf()));
      // What is nowhere larger, such as -inf, came from the first cell, where there is one.
      const bool any = w.depth.begin < w.depth.end && w.rows.begin < w.rows.end &&
                       w.columns.begin < w.columns.end;
      LaneMask<T> where = Index::every(
          any ? (w.depth.begin * s.rows.kernel + w.rows.begin) * s.columns.kernel + w.columns.begin
              : nothing<I>);
      auto visit = [&](Size cell, const T* from) __attribute__((always_inline)) {
        const Lanes<T> value = load_some(from, n);
        const LaneMask<T> better = (value > largest) | (value != value);
        largest = better ? value : largest;
        if constexpr (keep) where = better ? Index::every(cell) : where;
      };
      if (unrolled) {
        for (Size kh = 0; kh < side; ++kh) {
          for (Size kw = 0; kw < side; ++kw) {
            const Size pixel = kh * s.rows.dilation * s.columns.in + kw * s.columns.dilation;
            visit(kh * side + kw, corner + pixel * s.channels + c);
          }
        }
      } else {
        each_cell(s, w, [&](Size cell, Size pixel) { visit(cell, x + pixel * s.channels + c); });
      }
      if (relu) {
        const LaneMask<T> off = largest <= Lanes<T>{};
        largest = off ? Lanes<T>{} : largest;
        where = off ? Index::every(nothing<I>) : where;
      }
      store_some(y + w.out * s.channels + c, largest, n);
      if constexpr (keep) Index::write(index + w.out * s.channels + c, where, n);
    }
  });
}

template <class T, class I, bool keep>
void max_any_side(const PoolShape& s, Size begin_row, Size end_row, const T* x, bool relu, T* y,
                  I* index) {
  const Size side = s.rows.kernel == s.columns.kernel ? s.rows.kernel : 0;
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
  each_window(s, begin_row, end_row, [&](const PoolWindow& w) {
    for (Size c = 0; c < s.channels; c += lane_count<T>) {
      const Size n = s.channels - c;
      const LaneMask<T> where = Index::read(index + w.out * s.channels + c, n);
      Lanes<T> found{};
      each_cell(s, w, [&](Size cell, Size pixel) {
        const Lanes<T> value = load_some(x + pixel * s.channels + c, n);
        found = where == Index::every(cell) ? value : found;
      });
      store_some(y + w.out * s.channels + c, found, n);
    }
  });
}

/// Windows that neither overlap nor leave gaps between them write every cell once.
REEL_INLINE bool tiles(const WindowAxis& a) {
  return a.kernel == a.stride && a.padding == 0 && a.dilation == 1 && a.out * a.stride <= a.in;
}

template <class T>
REEL_INLINE void clear(T* from, const T* to) {
  __builtin_memset(from, 0, static_cast<std::size_t>(to - from) * sizeof(T));
}

/// Zeros where no window of side-by-side ones lies: behind the last row, column and plane.
template <class T>
REEL_INLINE void clear_rest(const PoolShape& s, T* image) {
  const Size row = s.columns.in * s.channels, used = s.columns.out * s.columns.stride * s.channels;
  const Size rows = s.rows.out * s.rows.stride, planes = s.depth.out * s.depth.stride;
  for (Size d = 0; d < planes; ++d) {
    T* plane = image + d * s.rows.in * row;
    for (Size h = 0; h < rows && used < row; ++h)
      clear(plane + h * row + used, plane + (h + 1) * row);
    clear(plane + rows * row, plane + s.rows.in * row);
  }
  clear(image + planes * s.rows.in * row, image + s.depth.in * s.rows.in * row);
}

template <class T, class I>
void max_scatter(const PoolShape& s, Size begin_image, Size end_image, const T* dy, const I* index,
                 T* dx) {
  using Index = IndexLanes<T, I>;
  const bool once = !s.even && tiles(s.depth) && tiles(s.rows) && tiles(s.columns);
  const Size image_size = s.depth.in * s.rows.in * s.columns.in * s.channels;
  for (Size image = begin_image; image < end_image; ++image) {
    T* own = dx + image * image_size;
    if (once) {
      clear_rest(s, own);
    } else {
      clear(own, own + image_size);
    }
  }
  const Size rows = s.depth.out * s.rows.out;
  each_window(s, begin_image * rows, end_image * rows, [&](const PoolWindow& w) {
    for (Size c = 0; c < s.channels; c += lane_count<T>) {
      const Size n = s.channels - c;
      const LaneMask<T> where = Index::read(index + w.out * s.channels + c, n);
      const Lanes<T> gradient = load_some(dy + w.out * s.channels + c, n);
      each_cell(s, w, [&](Size cell, Size pixel) {
        T* to = dx + pixel * s.channels + c;
        const Lanes<T> mine = where == Index::every(cell) ? gradient : Lanes<T>{};
        store_some(to, once ? mine : load_some<T>(to, n) + mine, n);
      });
    }
  });
}

/// A window of averages: the pixels along each axis, and where its average lies.
struct AvgWindow {
  Size image, out;
  const Window *depth, *rows, *columns;
};

template <class F>
REEL_INLINE void each_average(const AvgPoolShape& s, Size begin_row, Size end_row, const F& f) {
  for (Size row = begin_row; row < end_row; ++row) {
    const Size plane = row / s.rows.out;
    AvgWindow w{plane / s.depth.out, 0, s.depth.windows + plane % s.depth.out,
                s.rows.windows + row % s.rows.out, nullptr};
    for (Size ow = 0; ow < s.columns.out; ++ow) {
      w.out = row * s.columns.out + ow;
      w.columns = s.columns.windows + ow;
      f(w);
    }
  }
}

template <class F>
REEL_INLINE void each_cell(const AvgPoolShape& s, const AvgWindow& w, const F& f) {
  for (Size d = w.depth->begin; d < w.depth->end; ++d) {
    const Size plane = w.image * s.depth.in + d;
    for (Size h = w.rows->begin; h < w.rows->end; ++h) {
      const Size row = (plane * s.rows.in + h) * s.columns.in;
      for (Size at = w.columns->begin; at < w.columns->end; ++at) f(row + at);
    }
  }
}

template <class T>
REEL_INLINE T factor_of(const AvgWindow& w) {
  return T{1} / static_cast<T>(w.depth->divisor * w.rows->divisor * w.columns->divisor);
}

template <class T>
void avg_forward(const AvgPoolShape& s, Size begin_row, Size end_row, const T* x, T* y) {
  each_average(s, begin_row, end_row, [&](const AvgWindow& w) {
    const T factor = factor_of<T>(w);
    for (Size c = 0; c < s.channels; c += lane_count<T>) {
      const Size n = s.channels - c;
      Lanes<T> sum{};
      each_cell(s, w, [&](Size pixel) { sum += load_some(x + pixel * s.channels + c, n); });
      store_some<T>(y + w.out * s.channels + c, sum * factor, n);
    }
  });
}

template <class T>
void avg_scatter(const AvgPoolShape& s, Size begin_image, Size end_image, const T* dy, T* dx) {
  const Size image_size = s.depth.in * s.rows.in * s.columns.in * s.channels;
  clear(dx + begin_image * image_size, dx + end_image * image_size);
  const Size rows = s.depth.out * s.rows.out;
  each_average(s, begin_image * rows, end_image * rows, [&](const AvgWindow& w) {
    const T factor = factor_of<T>(w);
    for (Size c = 0; c < s.channels; c += lane_count<T>) {
      const Size n = s.channels - c;
      const Lanes<T> part = load_some(dy + w.out * s.channels + c, n) * factor;
      each_cell(s, w, [&](Size pixel) {
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
