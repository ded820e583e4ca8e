#include "reel/kernels/copy.h"

#include <algorithm>
#include <cstddef>

#include "reel/kernels/nest.h"
#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

Loop cast_loop(DType to, DType from) {
  return copy_table().cast[static_cast<int>(to)][static_cast<int>(from)];
}

int item_index(Size item) { return item == 1 ? 0 : item == 4 ? 1 : 2; }

/// Below this, tiles do not pay.
constexpr Size least_transpose = 8;

/// The dimension along which `from` is contiguous while `to` is along the innermost one, or -1.
int transposed_dim(const Nest& nest) {
  const int last = nest.rank - 1;
  if (last < 1 || nest.stride[last][0] != 1 || nest.stride[last][1] == 1) return -1;
  if (nest.size[last] < least_transpose) return -1;
  for (int d = 0; d < last; ++d) {
    if (nest.stride[d][1] == 1 && nest.size[d] >= least_transpose) return d;
  }
  return -1;
}

/// Copies tiles of the innermost dimension (rows of `from`) and dimension `turned` (its columns),
/// for each index of the others.
void copy_transposed(const Nest& nest, int turned) {
  const int last = nest.rank - 1;
  const Transpose transpose = copy_table().transpose[item_index(nest.item[0])];
  const Size rows = nest.size[last], cols = nest.size[turned];
  const Size matrices = nest.numel() / (rows * cols);
  // Strips of columns are the units of work: each writes to memory of its own. What lies beyond the
  // caches takes fewer streams of writes at once.
  const Size strip = rows * cols > (Size{1} << 22) ? 32 : 64;
  const Size strips = (cols + strip - 1) / strip;
  parallel_for(matrices * strips, std::max<Size>(parallel_grain / (rows * strip), 1),
               [&](Size begin, Size end) {
                 for (Size unit = begin; unit < end; ++unit) {
                   const Size col = unit % strips * strip;
                   Size rest = unit / strips;
                   Size to = col * nest.stride[turned][0], from = col;
                   for (int d = last - 1; d >= 0; --d) {
                     if (d == turned) continue;
                     to += rest % nest.size[d] * nest.stride[d][0];
                     from += rest % nest.size[d] * nest.stride[d][1];
                     rest /= nest.size[d];
                   }
                   transpose(nest.data[0] + to * nest.item[0], nest.stride[turned][0],
                             nest.data[1] + from * nest.item[1], nest.stride[last][1], rows,
                             std::min(strip, cols - col));
                 }
               });
}

}  // namespace

void copy(const ConstArray& from, const Array& to) {
  const bool alike = from.shape() == to.shape();
  const Strides wide =
      alike ? Strides{} : broadcast_strides(from.shape(), from.strides(), to.shape());
  const Operand operands[] = {{to.data(), to.item(), &to.strides()},
                              {from.data(), from.item(), alike ? &from.strides() : &wide}};
  const Nest nest = make_nest(to.shape(), operands);
  const int turned = to.dtype() == from.dtype() ? transposed_dim(nest) : -1;
  if (turned >= 0) {
    copy_transposed(nest, turned);
  } else {
    run_nest(cast_loop(to.dtype(), from.dtype()), nest, nullptr);
  }
}

void fill(const void* value, const Array& to) {
  const Size item = to.item();
  const Loop loop = copy_table().fill[item_index(item)];
  if (to.is_contiguous()) {
    run_flat(loop, to.numel(),
             {Operand{.data = to.data(), .item = item},
              Operand{.data = value, .item = item, .single = true}});
  } else {
    const Strides one_for_all = Strides::repeat(to.dim(), 0);
    run(loop, to.shape(),
        {Operand{to.data(), item, &to.strides()}, Operand{value, item, &one_for_all}});
  }
}

void convert(void* to, DType to_dtype, const void* from, DType from_dtype) {
  run_flat(cast_loop(to_dtype, from_dtype), 1, {Operand{to}, Operand{from}});
}

void scale_bytes(Size n, float* to, const std::uint8_t* from, float scale) {
  const double factor = static_cast<double>(scale);
  run_flat(copy_table().scale_bytes, n, {Operand{to, 4}, Operand{from, 1}}, &factor);
}

}  // namespace reel::kernels
