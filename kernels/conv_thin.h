#pragma once

#include <cstdint>

#include "reel/kernels/conv.h"
#include "reel/kernels/dispatch.h"
#include "reel/kernels/pool.h"

namespace reel::kernels {

/// A convolution of flat images with one channel, such as a network's first: a sum over `taps` cells,
/// each an offset in the padded image, of the cell times a row of weights [columns].
struct ThinConv {
  ConvShape shape;
  Size padded_h = 0, padded_w = 0;
  Size taps = 0;
  const Size* offsets = nullptr;  // [taps], from the first cell of a window
  Size columns = 0;               // output channels, rounded up to whole vectors
};

/// Convolutions of float32 images [begin, end) of a batch; `padded` has room for one padded image,
/// whose border the caller has cleared.
struct ThinConvTable {
  Size lanes;
  /// `w` [taps, columns], `bias` [columns].
  void (*forward)(const ThinConv& conv, Size begin, Size end, const float* x, const float* w,
                  const float* bias, float* padded, float* y);
  /// The same, then ReLU and the largest of each 2x2 square, with its place unless `index` is null,
  /// as `max_pool`; nothing in between leaves the registers. `y` [pooled_h, pooled_w, channels].
  void (*pooled)(const ThinConv& conv, Size begin, Size end, Size pooled_h, Size pooled_w,
                 const float* x, const float* w, const float* bias, float* padded, float* y,
                 std::uint8_t* index);
  /// Adds to `dw` [taps, columns] and `db` [columns].
  void (*weight)(const ThinConv& conv, Size begin, Size end, const float* x, const float* dy,
                 float* padded, float* dw, float* db);
};

REEL_DISPATCH_TABLE(ThinConvTable, thin_conv_table)

/// Whether these beat the general convolutions: with one channel they do, with three they do not.
bool is_thin(const ConvShape& shape);
void thin_conv(const ConvShape& shape, const float* x, const float* w, const float* bias, float* y);
/// Whether the pooling can be part of it: squares of 2x2 side by side.
bool is_thin(const ConvShape& shape, const PoolShape& pool);
void thin_conv_pooled(const ConvShape& shape, const PoolShape& pool, const float* x, const float* w,
                      const float* bias, float* y, std::uint8_t* index);
void thin_conv_weight(const ConvShape& shape, const float* x, const float* dy, float* dw,
                      float* db);

}  // namespace reel::kernels
