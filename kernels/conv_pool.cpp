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

Size between_count(const ConvShape& s) { return s.out_h * s.out_w * s.out_channels; }

Groups groups_of(const ConvShape& s, Size item) {
  const Size fitting = std::max<Size>(1, group_bytes / (between_count(s) * item));
  Size count = (s.batch + fitting - 1) / fitting;
  // An odd number would leave one of two threads waiting for the last.
  if (count > 1 && count % 2 == 1 && count < s.batch) ++count;
  return {s.batch, count};
}

/// Buffers shifted to the first image of a group.
struct Shapes {
  ConvShape conv;
  PoolShape pool;
  Size item;

  Shapes of(const Groups& groups, Size group) const {
    Shapes part = *this;
    part.conv.batch = part.pool.batch = groups.size(group);
    return part;
  }
  Size x() const { return conv.in_h * conv.in_w * conv.in_channels * item; }
  Size between() const { return between_count(conv) * item; }
  Size y() const { return pooled() * item; }
  Size index() const { return pooled() * item_size(max_pool_index_dtype(pool)); }
  Size weights() const {
    return conv.out_channels * (conv.in_channels / conv.groups) * conv.kernel_h * conv.kernel_w;
  }

 private:
  Size pooled() const { return pool.out_h * pool.out_w * pool.channels; }
};

/// The memory of image `n`; null stays null.
const std::byte* at(const void* data, Size n, Size image_bytes) {
  return data == nullptr ? nullptr : static_cast<const std::byte*>(data) + n * image_bytes;
}
std::byte* at(void* data, Size n, Size image_bytes) {
  return data == nullptr ? nullptr : static_cast<std::byte*>(data) + n * image_bytes;
}

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

void conv2d_relu_max_pool2d(DType dtype, const ConvShape& conv, const PoolShape& pool,
                            const void* x, const void* w, const void* bias, void* y, void* index) {
  if (dtype == DType::float32 && is_thin(conv, pool)) {
    thin_conv_pooled(conv, pool, static_cast<const float*>(x), static_cast<const float*>(w),
                     static_cast<const float*>(bias), static_cast<float*>(y),
                     static_cast<std::uint8_t*>(index));
    return;
  }
  const Shapes shapes{conv, pool, item_size(dtype)};
  const Groups groups = groups_of(conv, shapes.item);
  parallel_for(groups.count, 1, [&](Size begin, Size end) {
    const Size largest = (conv.batch + groups.count - 1) / groups.count;
    const Buffer between(static_cast<std::size_t>(largest * shapes.between()));
    for (Size group = begin; group < end; ++group) {
      const Shapes part = shapes.of(groups, group);
      const Size first = groups.begin(group);
      conv2d(dtype, part.conv, at(x, first, part.x()), w, bias, false, between.data());
      max_pool2d(dtype, part.pool, between.data(), true, at(y, first, part.y()),
                 at(index, first, part.index()));
    }
  });
}

void conv2d_relu_max_pool2d_backward(DType dtype, const ConvShape& conv, const PoolShape& pool,
                                     const void* x, const void* w, const void* index,
                                     const void* dy, const ConvGradients& gradients) {
  const Shapes shapes{conv, pool, item_size(dtype)};
  const Groups groups = groups_of(conv, shapes.item);
  // A part sums several groups: first the weights' gradient, then the bias's.
  const Size count = shapes.weights() + conv.out_channels;
  const Size part_bytes = (count * shapes.item + 63) / 64 * 64;
  const Size parts =
      std::clamp<Size>(max_parts_bytes / part_bytes, 1, std::min(groups.count, max_parts));
  const bool weights = gradients.w != nullptr;
  const Buffer sums(weights ? static_cast<std::size_t>(parts * part_bytes) : 0);

  auto weight_gradient = [&](const Shapes& part, Size first, const void* between, std::byte* to) {
    conv2d_weight(dtype, part.conv, at(x, first, part.x()), between, to,
                  gradients.bias != nullptr ? to + shapes.weights() * shapes.item : nullptr);
  };
  const Size summed = gradients.bias != nullptr ? count : shapes.weights();
  parallel_for(parts, 1, [&](Size begin, Size end) {
    const Size largest = (conv.batch + groups.count - 1) / groups.count;
    const Buffer between(static_cast<std::size_t>(largest * shapes.between()));
    const Buffer own(weights ? static_cast<std::size_t>(part_bytes) : 0);
    for (Size p = begin; p < end; ++p) {
      const Size from = p * groups.count / parts, to = (p + 1) * groups.count / parts;
      for (Size group = from; group < to; ++group) {
        const Shapes part = shapes.of(groups, group);
        const Size first = groups.begin(group);
        max_pool2d_scatter(dtype, part.pool, at(dy, first, part.y()),
                           at(index, first, part.index()), between.data());
        if (gradients.x != nullptr)
          conv2d_input(dtype, part.conv, between.data(), w, at(gradients.x, first, part.x()));
        if (!weights) continue;
        std::byte* sum = sums.data<std::byte>() + p * part_bytes;
        if (group == from) {
          weight_gradient(part, first, between.data(), sum);
        } else {
          weight_gradient(part, first, between.data(), own.data<std::byte>());
          add(dtype, own.data(), summed, sum);
        }
      }
    }
  });
  if (!weights) return;
  for (Size p = 1; p < parts; ++p)
    add(dtype, sums.data<std::byte>() + p * part_bytes, summed, sums.data());
  const std::size_t split = static_cast<std::size_t>(shapes.weights() * shapes.item);
  std::memcpy(gradients.w, sums.data(), split);
  if (gradients.bias != nullptr) {
    std::memcpy(gradients.bias, sums.data<std::byte>() + split,
                static_cast<std::size_t>(conv.out_channels * shapes.item));
  }
}

}  // namespace reel::kernels
