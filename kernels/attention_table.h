#pragma once

// Internal: what simd/attention.cpp offers to attention.cpp for each instruction set.

#include "reel/base/dtype.h"
#include "reel/kernels/dispatch.h"

namespace reel::kernels {

/// Queries that are worked on together, and keys: their scores stay in the first cache.
inline constexpr Size query_block = 32, key_block = 128;

/// What is attended to and by whom, in each of `heads` independent problems.
struct AttentionShape {
  Size heads;
  Size queries, keys;
  Size width;        ///< of a query and of a key
  Size value_width;  ///< of a value and of a result
  bool causal;       ///< query i sees keys 0 to i only
  float scale;       ///< of the scores, above 0
};

/// The rows of one head.
template <class T>
struct Rows {
  T* data;
  Size row;
};

struct AttentionTable {
  /// The results of `count` queries from `first` on, at most `query_block`. `keys_t` are the keys
  /// transposed, with zeros behind the last up to `padded` keys; `scratch` has `attention_scratch`
  /// floats.
  void (*forward)(const AttentionShape& shape, Size first, Size count, const Rows<const float>& q,
                  const float* keys_t, Size keys_t_row, const Rows<const float>& v,
                  const Rows<float>& y, float* logsumexp, float* scratch);

  /// Adds what these queries contribute to dk and dv, and writes their dq.
  void (*backward)(const AttentionShape& shape, Size first, Size count, const Rows<const float>& q,
                   const Rows<const float>& k, const float* keys_t, const float* values_t,
                   Size transposed_row, const Rows<const float>& y, const float* logsumexp,
                   const Rows<const float>& dy, const Rows<float>& dq, const Rows<float>& dk,
                   const Rows<float>& dv, float* scratch);
};

REEL_DISPATCH_TABLE(AttentionTable, attention_table)

/// A whole number of registers, whatever the instruction set.
inline Size padded(Size count) { return (count + 15) / 16 * 16; }

/// The floats of scratch memory that either direction needs.
inline Size attention_scratch(const AttentionShape& shape) {
  return query_block * (2 * key_block + padded(shape.value_width) + padded(shape.width));
}

}  // namespace reel::kernels
