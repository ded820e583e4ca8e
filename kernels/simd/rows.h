#pragma once

// Internal, for the files of this folder only: turns a function of one element, or of one vector,
// into a kernel that works through a plane.

#include <cstddef>
#include <cstdint>

#include "reel/kernels/loops.h"
#include "reel/kernels/simd/lanes.h"

namespace reel::kernels::REEL_ISA {
namespace {

/// A function object that takes the kernel's parameters where it has any.
template <class F>
inline F make(const double* params) {
  if constexpr (requires { F{params}; }) {
    return F{params};
  } else {
    return F{};
  }
}

template <class T>
inline T* row(std::byte* const* data, const Plane& plane, int operand, Size r) {
  return reinterpret_cast<T*>(data[operand]) + r * plane.outer_stride[operand];
}

// ---- element by element; the compiler makes vectors of it

template <class F, class Y, class A>
void map1(std::byte* const* data, const Plane& plane, const double* params) {
  const F f = make<F>(params);
  const Size n = plane.inner;
  const Size sy = plane.inner_stride[0], sa = plane.inner_stride[1];
  for (Size r = 0; r < plane.outer; ++r) {
    Y* y = row<Y>(data, plane, 0, r);
    const A* a = row<const A>(data, plane, 1, r);
    if (sy == 1 && sa == 1) {
      REEL_INDEPENDENT
      for (Size i = 0; i < n; ++i) y[i] = f(a[i]);
    } else {
      for (Size i = 0; i < n; ++i) y[i * sy] = f(a[i * sa]);
    }
  }
}

template <class F, class Y, class T>
void map2(std::byte* const* data, const Plane& plane, const double* params) {
  const F f = make<F>(params);
  const Size n = plane.inner;
  const Size sy = plane.inner_stride[0], sa = plane.inner_stride[1], sb = plane.inner_stride[2];
  for (Size r = 0; r < plane.outer; ++r) {
    Y* y = row<Y>(data, plane, 0, r);
    const T* a = row<const T>(data, plane, 1, r);
    const T* b = row<const T>(data, plane, 2, r);
    if (sy == 1 && sa == 1 && sb == 1) {
      REEL_INDEPENDENT
      for (Size i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
    } else if (sy == 1 && sa == 1 && sb == 0) {
      const T only = *b;
      REEL_INDEPENDENT
      for (Size i = 0; i < n; ++i) y[i] = f(a[i], only);
    } else if (sy == 1 && sa == 0 && sb == 1) {
      const T only = *a;
      REEL_INDEPENDENT
      for (Size i = 0; i < n; ++i) y[i] = f(only, b[i]);
    } else {
      for (Size i = 0; i < n; ++i) y[i * sy] = f(a[i * sa], b[i * sb]);
    }
  }
}

template <class F, class Y, class A, class B, class C>
void map3(std::byte* const* data, const Plane& plane, const double* params) {
  const F f = make<F>(params);
  const Size n = plane.inner;
  const Size sy = plane.inner_stride[0], sa = plane.inner_stride[1], sb = plane.inner_stride[2],
             sc = plane.inner_stride[3];
  for (Size r = 0; r < plane.outer; ++r) {
    Y* y = row<Y>(data, plane, 0, r);
    const A* a = row<const A>(data, plane, 1, r);
    const B* b = row<const B>(data, plane, 2, r);
    const C* c = row<const C>(data, plane, 3, r);
    if (sy == 1 && sa == 1 && sb == 1 && sc == 1) {
      REEL_INDEPENDENT
      for (Size i = 0; i < n; ++i) y[i] = f(a[i], b[i], c[i]);
    } else if (sy == 1 && sa == 1 && sb == 1 && sc == 0) {
      const C only = *c;
      REEL_INDEPENDENT
      for (Size i = 0; i < n; ++i) y[i] = f(a[i], b[i], only);
    } else if (sy == 1 && sa == 1 && sb == 0 && sc == 1) {
      const B only = *b;
      REEL_INDEPENDENT
      for (Size i = 0; i < n; ++i) y[i] = f(a[i], only, c[i]);
    } else {
      for (Size i = 0; i < n; ++i) y[i * sy] = f(a[i * sa], b[i * sb], c[i * sc]);
    }
  }
}

// ---- vector by vector: the last, short one too, so that no result depends on where a range ends

// Calls, so that they are compiled once and not within every kernel.
template <class T>
__attribute__((noinline)) void gather(T* to, const T* from, Size stride, Size n) {
  for (Size i = 0; i < n; ++i) to[i] = from[i * stride];
}
template <class T>
__attribute__((noinline)) void scatter(T* to, Size stride, const T* from, Size n) {
  for (Size i = 0; i < n; ++i) to[i * stride] = from[i];
}

/// The `n` values from `from` on that are `stride` apart, at most a register of them.
template <class T>
REEL_INLINE Lanes<T> load_any(const T* from, Size stride, Size n) {
  if (stride == 0) return splat(*from);
  if (stride == 1) return load_some(from, n);
  alignas(REEL_LANE_BYTES) T buffer[lane_count<T>] = {};
  gather(buffer, from, stride, n);
  return load(buffer);
}

template <class T>
REEL_INLINE void store_any(T* to, Size stride, const Lanes<T>& v, Size n) {
  if (stride == 1) {
    store_some(to, v, n);
  } else {
    alignas(REEL_LANE_BYTES) T buffer[lane_count<T>];
    store(buffer, v);
    scatter(to, stride, buffer, n);
  }
}

template <class F, class T>
void vec_map1(std::byte* const* data, const Plane& plane, const double* params) {
  const F f = make<F>(params);
  constexpr Size w = lane_count<T>;
  const Size n = plane.inner;
  const Size sy = plane.inner_stride[0], sa = plane.inner_stride[1];
  for (Size r = 0; r < plane.outer; ++r) {
    T* y = row<T>(data, plane, 0, r);
    const T* a = row<const T>(data, plane, 1, r);
    Size i = 0;
    if (sy == 1 && sa == 1) {
      for (; i + w <= n; i += w) store(y + i, f(load(a + i)));
    }
    for (; i < n; i += w) {
      const Size left = n - i < w ? n - i : w;
      store_any(y + i * sy, sy, f(load_any(a + i * sa, sa, left)), left);
    }
  }
}

template <class F, class T>
void vec_map2(std::byte* const* data, const Plane& plane, const double* params) {
  const F f = make<F>(params);
  constexpr Size w = lane_count<T>;
  const Size n = plane.inner;
  const Size sy = plane.inner_stride[0], sa = plane.inner_stride[1], sb = plane.inner_stride[2];
  for (Size r = 0; r < plane.outer; ++r) {
    T* y = row<T>(data, plane, 0, r);
    const T* a = row<const T>(data, plane, 1, r);
    const T* b = row<const T>(data, plane, 2, r);
    Size i = 0;
    if (sy == 1 && sa == 1 && sb == 1) {
      for (; i + w <= n; i += w) store(y + i, f(load(a + i), load(b + i)));
    }
    for (; i < n; i += w) {
      const Size left = n - i < w ? n - i : w;
      store_any(y + i * sy, sy, f(load_any(a + i * sa, sa, left), load_any(b + i * sb, sb, left)),
                left);
    }
  }
}

template <class F, class T>
void vec_map3(std::byte* const* data, const Plane& plane, const double* params) {
  const F f = make<F>(params);
  constexpr Size w = lane_count<T>;
  const Size n = plane.inner;
  const Size sy = plane.inner_stride[0], sa = plane.inner_stride[1], sb = plane.inner_stride[2],
             sc = plane.inner_stride[3];
  for (Size r = 0; r < plane.outer; ++r) {
    T* y = row<T>(data, plane, 0, r);
    const T* a = row<const T>(data, plane, 1, r);
    const T* b = row<const T>(data, plane, 2, r);
    const T* c = row<const T>(data, plane, 3, r);
    for (Size i = 0; i < n; i += w) {
      const Size left = n - i < w ? n - i : w;
      store_any(y + i * sy, sy,
                f(load_any(a + i * sa, sa, left), load_any(b + i * sb, sb, left),
                  load_any(c + i * sc, sc, left)),
                left);
    }
  }
}

}  // namespace
}  // namespace reel::kernels::REEL_ISA
