#include "reel/kernels/conv_pool.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "reel/kernels/buffer.h"
#include "reel/kernels/conv_thin.h"
#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

// What a group of images is between the convolution and the pooling: well inside a core's L2 cache,
// beside the weights and what the convolution reads.
constexpr Size group_bytes = 768 * 1024;
// The weights' gradient is summed in at most so many parts, and in no more memory than this.
constexpr Size max_parts = 16;
constexpr Size max_parts_bytes = Size{32} << 20;

/// The batch in `count` groups that differ by at most one image.
struct Groups {
  Size batch, count;

  Size begin(Size group) const { return group * batch / count; }
  Size size(Size group) const { return begin(group + 1) - begin(group); }
};

Size between_count(const ConvShape& s) { return out_pixels(s) * s.out_channels; }

Groups groups_of(const ConvShape& s, Size item) {
  const Size fitting = std::max<Size>(1, group_bytes / (between_count(s) * item));
  Size count = (s.batch + fitting - 1) / fitting;
  // An odd number would leave one of two threads waiting for the last.
  if (count > 1 && count % 2 == 1 && count < s.batch) ++count;
  return {s.batch, count};
}

/// The convolution of `count` images, and what pools it.
ConvShape with_batch(ConvShape shape, Size count) {
  shape.batch = count;
  return shape;
}
PoolShape with_batch(PoolShape shape, Size count) {
  shape.batch = count;
  return shape;
}

/// Some images of a batch, `Array` or `ConstArray`, as a batch of their own; none of none.
template <class A>
class Images {
 public:
  Images(const A& batch, Size first, Size count) {
    if (!batch) return;
    shape_ = batch.shape();
    shape_[0] = count;
    array_ = A(batch.bytes() + first * batch.strides()[0] * batch.item(), batch.dtype(), shape_,
               batch.strides(), batch.device());
  }
  Images(const Images&) = delete;  // the array refers to the shape
  Images& operator=(const Images&) = delete;

  operator const A&() const { return array_; }

 private:
  Shape shape_;
  A array_;
};

/// Memory for what a group of images is between the convolution and the pooling.
class Between {
 public:
  Between(const ConvShape& s, const Groups& groups, DType dtype)
      : shape_{(s.batch + groups.count - 1) / groups.count, s.out_channels, out_pixels(s)},
        strides_{between_count(s), 1, s.out_channels},
        buffer_(static_cast<std::size_t>(shape_.numel() * item_size(dtype))),
        array_(buffer_.data(), dtype, shape_, strides_) {}
  Between(const Between&) = delete;
  Between& operator=(const Between&) = delete;

  Images<Array> first(Size count) const { return {array_, 0, count}; }

 private:
  Shape shape_;
  Strides strides_;
  Buffer buffer_;
  Array array_;
};

template <class T>
void add(const void* from, Size count, void* to) {
  const T* source = static_cast<const T*>(from);
  T* target = static_cast<T*>(to);
  for (Size i = 0; i < count; ++i) target[i] += source[i];
}

void add(DType dtype, const void* from, Size count, void* to) {
  dtype == DType::float32 ? add<float>(from, count, to) : add<double>(from, count, to);
}

}  // namespace

void conv_relu_max_pool(const ConvShape& conv, const PoolShape& pool, const ConstArray& x,
                        const ConstArray& w, const ConstArray& bias, const Array& y,
                        const Array& index) {
  if (x.dtype() == float32 && is_thin(conv, pool)) {
    thin_conv_pooled(conv, pool, x.as<float>(), w.as<float>(), bias.as<float>(), y.as<float>(),
                     index.as<std::uint8_t>());
    return;
  }
  const Groups groups = groups_of(conv, x.item());
  parallel_for(groups.count, 1, [&](Size begin, Size end) {
    const Between all(conv, groups, x.dtype());
    for (Size group = begin; group < end; ++group) {
      const Size first = groups.begin(group), count = groups.size(group);
      const Images between = all.first(count);
      kernels::conv(with_batch(conv, count), Images(x, first, count), w, bias, between);
      max_pool(with_batch(pool, count), between, true, Images(y, first, count),
               Images(index, first, count));
    }
  });
}

void conv_max_pool_backward(const ConvShape& conv, const PoolShape& pool, const ConstArray& x,
                            const ConstArray& w, const ConstArray& index, const ConstArray& dy,
                            const ConvGradients& gradients) {
  const DType dtype = x.dtype();
  const Size item = x.item();
  const Groups groups = groups_of(conv, item);
  // A part sums several groups: first the weights' gradient, then the bias's.
  const Size weights = weight_count(conv), count = weights + conv.out_channels;
  const Size part_bytes = (count * item + 63) / 64 * 64;
  const Size parts =
      std::clamp<Size>(max_parts_bytes / part_bytes, 1, std::min(groups.count, max_parts));
  const Array &dw = gradients.w, &db = gradients.bias;
  const Buffer sums(dw ? static_cast<std::size_t>(parts * part_bytes) : 0);

  // Memory laid out as one of the two gradients; none where that is missing.
  const auto in_place_of = [&](const Array& gradient, std::byte* memory) {
    return gradient ? Array(memory, dtype, gradient.shape(), gradient.strides()) : Array();
  };
  const Size summed = db ? count : weights;
  parallel_for(parts, 1, [&](Size begin, Size end) {
    const Between all(conv, groups, dtype);
    const Buffer own(dw ? static_cast<std::size_t>(part_bytes) : 0);
    for (Size p = begin; p < end; ++p) {
      const Size from = p * groups.count / parts, to = (p + 1) * groups.count / parts;
      for (Size group = from; group < to; ++group) {
        const Size first = groups.begin(group), images = groups.size(group);
        const ConvShape part = with_batch(conv, images);
        const Images between = all.first(images);
        max_pool_scatter(with_batch(pool, images), Images(dy, first, images),
                         Images(index, first, images), between);
        if (gradients.x) conv_input(part, between, w, Images(gradients.x, first, images));
        if (!dw) continue;
        std::byte* sum = sums.data<std::byte>() + p * part_bytes;
        std::byte* memory = group == from ? sum : own.data<std::byte>();
        conv_weight(part, Images(x, first, images), between, in_place_of(dw, memory),
                    in_place_of(db, memory + weights * item));
        if (group != from) add(dtype, memory, summed, sum);
      }
    }
  });
  if (!dw) return;
  for (Size p = 1; p < parts; ++p)
    add(dtype, sums.data<std::byte>() + p * part_bytes, summed, sums.data());
  const std::size_t split = static_cast<std::size_t>(weights * item);
  std::memcpy(dw.data(), sums.data(), split);
  if (db) {
    std::memcpy(db.data(), sums.data<std::byte>() + split,
                static_cast<std::size_t>(conv.out_channels * item));
  }
}

}  // namespace reel::kernels
