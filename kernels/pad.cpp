#include "reel/kernels/pad.h"

#include <algorithm>
#include <cstdint>

#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

Size size_of(const PadDim& dim) { return static_cast<Size>(dim.source.size()); }

/// The elements of all dimensions but the last one.
Size count_rows(const std::vector<PadDim>& dims, std::size_t first = 0) {
  Size rows = 1;
  for (std::size_t d = first; d + 1 < dims.size(); ++d) rows *= size_of(dims[d]);
  return rows;
}

/// Where row `row` of the padded tensor begins in the original; -1 where it lies outside.
Size row_offset(const std::vector<PadDim>& dims, Size row) {
  Size offset = 0;
  for (std::size_t d = dims.size() - 1; d-- > 0;) {
    const Size source = dims[d].source[static_cast<std::size_t>(row % size_of(dims[d]))];
    if (source < 0) return -1;
    row /= size_of(dims[d]);
    offset += source * dims[d].from_stride;
  }
  return offset;
}

/// Calls `f(padded element, original element, count)` for what comes from the original in a row,
/// with neighbours in one call.
template <class F>
void each_run(const PadDim& dim, const F& f) {
  const auto one = [&](Size i) {
    const Size source = dim.source[static_cast<std::size_t>(i)];
    if (source >= 0) f(i, source * dim.from_stride, Size{1});
  };
  for (Size i = 0; i < dim.begin; ++i) one(i);
  if (dim.begin < dim.end) {
    const Size first = dim.source[static_cast<std::size_t>(dim.begin)] * dim.from_stride;
    f(dim.begin, first, dim.end - dim.begin);
  }
  for (Size i = dim.end; i < size_of(dim); ++i) one(i);
}

template <class T>
void pad_items(const std::vector<PadDim>& dims, const T* from, T value, T* to) {
  const PadDim& last = dims.back();
  const Size columns = size_of(last), stride = last.from_stride;
  const Size grain = std::max<Size>(1, parallel_grain / std::max<Size>(1, columns));
  parallel_for(count_rows(dims), grain, [&](Size begin, Size end) {
    for (Size row = begin; row < end; ++row) {
      T* out = to + row * columns;
      const Size offset = row_offset(dims, row);
      if (offset < 0 || !last.is_whole()) std::fill_n(out, columns, value);
      if (offset < 0) continue;
      each_run(last, [&](Size at, Size source, Size count) {
        const T* in = from + offset + source;
        if (stride == 1) {
          std::copy_n(in, count, out + at);
        } else {
          for (Size i = 0; i < count; ++i) out[at + i] = in[i * stride];
        }
      });
    }
  });
}

template <class T>
void add_items(const std::vector<PadDim>& dims, const T* from, T* to) {
  // Dimensions that nothing was done to are divided among the threads: their sums are apart.
  std::size_t first = 0;
  Size parts = 1;
  while (first + 1 < dims.size() && dims[first].is_whole()) parts *= size_of(dims[first++]);
  const PadDim& last = dims.back();
  const Size columns = size_of(last), stride = last.from_stride, rows = count_rows(dims, first);
  const Size grain = std::max<Size>(1, parallel_grain / std::max<Size>(1, rows * columns));
  parallel_for(parts, grain, [&](Size begin, Size end) {
    for (Size row = begin * rows; row < end * rows; ++row) {
      const Size offset = row_offset(dims, row);
      if (offset < 0) continue;
      const T* in = from + row * columns;
      each_run(last, [&](Size at, Size source, Size count) {
        T* out = to + offset + source;
        for (Size i = 0; i < count; ++i) out[i * stride] += in[at + i];
      });
    }
  });
}

template <class T>
void pad_items(const std::vector<PadDim>& dims, const void* from, const void* value, void* to) {
  pad_items(dims, static_cast<const T*>(from), *static_cast<const T*>(value), static_cast<T*>(to));
}

}  // namespace

void pad(const std::vector<PadDim>& dims, const ConstArray& from, const void* value,
         const Array& to) {
  if (from.item() == 1) {
    pad_items<std::uint8_t>(dims, from.data(), value, to.data());
  } else if (from.item() == 4) {
    pad_items<std::uint32_t>(dims, from.data(), value, to.data());
  } else {
    pad_items<std::uint64_t>(dims, from.data(), value, to.data());
  }
}

void pad_add(const std::vector<PadDim>& dims, const ConstArray& from, const Array& to) {
  with_floating(from.dtype(), [&]<class T>(T) { add_items(dims, from.as<T>(), to.as<T>()); });
}

}  // namespace reel::kernels
