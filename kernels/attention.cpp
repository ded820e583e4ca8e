#include "reel/kernels/attention.h"

#include <algorithm>
#include <cstddef>

#include "reel/kernels/attention_table.h"
#include "reel/kernels/buffer.h"
#include "reel/kernels/copy.h"
#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

Buffer floats(Size count) { return Buffer(static_cast<std::size_t>(count) * sizeof(float)); }

template <class T>
Rows<T> head(const HeadRows<T>& rows, Size h) {
  return {rows.data + rows.offsets[h], rows.row};
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

void attention(const AttentionShape& s, const HeadRows<const float>& q,
               const HeadRows<const float>& k, const HeadRows<const float>& v,
               const HeadRows<float>& y, float* logsumexp) {
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
      if (h != transposed) transpose(head(k, h), s.keys, s.width, keys_t.data(), keys_row);
      transposed = h;
      table.forward(s, first, std::min(query_block, s.queries - first), head(q, h), keys_t.data(),
                    keys_row, head(v, h), head(y, h), logsumexp + h * s.queries, scratch.data());
    }
  });
}

void attention_backward(const AttentionShape& s, const HeadRows<const float>& q,
                        const HeadRows<const float>& k, const HeadRows<const float>& v,
                        const HeadRows<const float>& y, const float* logsumexp,
                        const HeadRows<const float>& dy, const HeadRows<float>& dq,
                        const HeadRows<float>& dk, const HeadRows<float>& dv) {
  const AttentionTable& table = attention_table();
  const Size keys_row = padded(s.keys);
  const Size work = s.queries * s.keys * (3 * s.width + 2 * s.value_width);
  // All queries add to dk and dv: a head is one thread's, so that they add up in one order.
  parallel_for(s.heads, grain(work), [&](Size begin, Size end) {
    const Buffer scratch = floats(attention_scratch(s));
    const Buffer keys_t = floats(keys_row * s.width);
    const Buffer values_t = floats(keys_row * s.value_width);
    for (Size h = begin; h < end; ++h) {
      const Rows<float> to_k = head(dk, h), to_v = head(dv, h);
      for (Size j = 0; j < s.keys; ++j) {
        std::fill_n(to_k.data + j * to_k.row, s.width, 0.f);
        std::fill_n(to_v.data + j * to_v.row, s.value_width, 0.f);
      }
      transpose(head(k, h), s.keys, s.width, keys_t.data(), keys_row);
      transpose(head(v, h), s.keys, s.value_width, values_t.data(), keys_row);
      for (Size first = 0; first < s.queries; first += query_block) {
        table.backward(s, first, std::min(query_block, s.queries - first), head(q, h), head(k, h),
                       keys_t.data(), values_t.data(), keys_row, head(y, h),
                       logsumexp + h * s.queries, head(dy, h), head(dq, h), to_k, to_v,
                       scratch.data());
      }
    }
  });
}

}  // namespace reel::kernels
