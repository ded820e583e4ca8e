#include "reel/kernels/attention.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "reel/kernels/attention_table.h"
#include "reel/kernels/buffer.h"
#include "reel/kernels/copy.h"
#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

Buffer floats(Size count) { return Buffer(static_cast<std::size_t>(count) * sizeof(float)); }

/// Where the rows of every head begin, heads in row-major order of their dimensions, which the
/// dimensions of `x` before its rows are broadcast to.
std::vector<Size> offsets_of(const ConstArray& x, const Shape& heads) {
  const Size missing = heads.size() - (x.dim() - 2);
  std::vector<Size> offsets{0};
  for (Size d = 0; d < heads.size(); ++d) {
    const Size stride = d < missing || x.shape()[d - missing] == 1 ? 0 : x.strides()[d - missing];
    std::vector<Size> next;
    next.reserve(offsets.size() * static_cast<std::size_t>(heads[d]));
    for (const Size offset : offsets) {
      for (Size i = 0; i < heads[d]; ++i) next.push_back(offset + i * stride);
    }
    offsets = std::move(next);
  }
  return offsets;
}

/// The rows of head h of an array: `heads(h)`.
template <class T>
class Heads {
 public:
  Heads(T* data, const ConstArray& x, const Shape& heads)
      : data_(data), row_(x.strides()[-2]), offsets_(offsets_of(x, heads)) {}

  Rows<T> operator()(Size h) const { return {data_ + offsets_[static_cast<std::size_t>(h)], row_}; }

 private:
  T* data_;
  Size row_;
  std::vector<Size> offsets_;
};

Heads<const float> read(const ConstArray& x, const Shape& heads) {
  return {x.as<float>(), x, heads};
}
Heads<float> write(const Array& x, const Shape& heads) { return {x.as<float>(), x, heads}; }

/// The dimensions before the rows.
Shape heads_of(const ConstArray& y) { return {y.shape().begin(), y.shape().end() - 2}; }

AttentionShape shape_of(const ConstArray& k, const ConstArray& v, const ConstArray& y,
                        const ScoreOptions& options) {
  return {.heads = heads_of(y).numel(),
          .queries = y.size(-2),
          .keys = k.size(-2),
          .width = k.size(-1),
          .value_width = v.size(-1),
          .causal = options.causal,
          .scale = options.scale};
}

/// to[e * to_row + j] = element e of row j; zeros from row `count` to `to_row`.
void transpose(const Rows<const float>& from, Size count, Size elements, float* to, Size to_row) {
  constexpr int four_bytes = 1;
  copy_table().transpose[four_bytes](to, to_row, from.data, from.row, count, elements);
  for (Size e = 0; e < elements; ++e) {
    std::fill(to + e * to_row + count, to + (e + 1) * to_row, 0.f);
  }
}

/// How many units of work a thread must get, `each` being the multiply-adds of one.
Size grain(Size each) {
  constexpr Size worth_a_thread = Size{1} << 19;
  return std::max<Size>(1, worth_a_thread / std::max<Size>(1, each));
}

}  // namespace

void attention(const ConstArray& q_array, const ConstArray& k_array, const ConstArray& v_array,
               const ScoreOptions& options, const Array& y_array, const Array& logsumexp) {
  const AttentionShape s = shape_of(k_array, v_array, y_array, options);
  const Shape heads = heads_of(y_array);
  const auto q = read(q_array, heads), k = read(k_array, heads), v = read(v_array, heads);
  const auto y = write(y_array, heads);
  float* const sums = logsumexp.as<float>();
  const AttentionTable& table = attention_table();
  const Size blocks = (s.queries + query_block - 1) / query_block;
  const Size keys_row = padded(s.keys);
  const Size work = query_block * s.keys * (s.width + s.value_width);
  // A query's result is the same whoever computes it.
  parallel_for(s.heads * blocks, grain(work), [&](Size begin, Size end) {
    const Buffer scratch = floats(attention_scratch(s));
    const Buffer keys_t = floats(keys_row * s.width);
    Size transposed = -1;
    for (Size unit = begin; unit < end; ++unit) {
      const Size h = unit / blocks, first = unit % blocks * query_block;
      if (h != transposed) transpose(k(h), s.keys, s.width, keys_t.data(), keys_row);
      transposed = h;
      table.forward(s, first, std::min(query_block, s.queries - first), q(h), keys_t.data(),
                    keys_row, v(h), y(h), sums + h * s.queries, scratch.data());
    }
  });
}

void attention_backward(const Attended& of, const ScoreOptions& options, const ConstArray& dy_array,
                        const Array& dq_array, const Array& dk_array, const Array& dv_array) {
  const AttentionShape s = shape_of(of.k, of.v, of.y, options);
  const Shape heads = heads_of(of.y);
  const auto q = read(of.q, heads), k = read(of.k, heads), v = read(of.v, heads);
  const auto y = read(of.y, heads), dy = read(dy_array, heads);
  const auto dq = write(dq_array, heads), dk = write(dk_array, heads);
  const auto dv = write(dv_array, heads);
  const float* const sums = of.logsumexp.as<float>();
  const AttentionTable& table = attention_table();
  const Size keys_row = padded(s.keys);
  const Size work = s.queries * s.keys * (3 * s.width + 2 * s.value_width);
  // All queries add to dk and dv: a head is one thread's, so that they add up in one order.
  parallel_for(s.heads, grain(work), [&](Size begin, Size end) {
    const Buffer scratch = floats(attention_scratch(s));
    const Buffer keys_t = floats(keys_row * s.width);
    const Buffer values_t = floats(keys_row * s.value_width);
    for (Size h = begin; h < end; ++h) {
      const Rows<float> to_k = dk(h), to_v = dv(h);
      for (Size j = 0; j < s.keys; ++j) {
        std::fill_n(to_k.data + j * to_k.row, s.width, 0.f);
        std::fill_n(to_v.data + j * to_v.row, s.value_width, 0.f);
      }
      transpose(k(h), s.keys, s.width, keys_t.data(), keys_row);
      transpose(v(h), s.keys, s.value_width, values_t.data(), keys_row);
      for (Size first = 0; first < s.queries; first += query_block) {
        table.backward(s, first, std::min(query_block, s.queries - first), q(h), k(h),
                       keys_t.data(), values_t.data(), keys_row, y(h), sums + h * s.queries, dy(h),
                       dq(h), to_k, to_v, scratch.data());
      }
    }
  });
}

}  // namespace reel::kernels
