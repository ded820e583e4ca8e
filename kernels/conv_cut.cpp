#include "reel/kernels/conv_cut.h"

#include <algorithm>

namespace reel::kernels {
namespace {

// Strips of rows are no thinner: both read what lies between two of them.
constexpr Size least_rows = 4;

Size divide_up(Size a, Size b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

/// The axis whose steps are furthest apart in memory: planes of images with depth, else rows.
template <class Shape>
auto& outer_axis(Shape& s) {
  return is_flat(s.depth) ? s.rows : s.depth;
}

/// Keeps these rows of the one image of `piece`; false where they are no convolution.
bool keep_rows(ConvPiece& piece, Size in_first, Size in_end, Size out_first, Size out_end) {
  ConvShape& s = piece.shape;
  WindowAxis& a = outer_axis(s);
  // Row o of the output reads the rows from o * stride - padding on.
  const Size padding = a.padding + in_first - out_first * a.stride;
  if (in_first >= in_end || out_first >= out_end || padding < 0 || padding > reach(a) - 1)
    return false;
  piece.x += in_first * (in_pixels(s) / a.in) * s.in_channels;
  piece.y += out_first * (out_pixels(s) / a.out) * s.out_channels;
  a.padding = padding;
  a.in = in_end - in_first;
  a.out = out_end - out_first;
  return true;
}

/// Keeps the rows from `begin` to `end` of the output with what they read; or, for the gradient of
/// the input, of the input with what reads them.
bool keep_rows(ConvPiece& piece, ConvKind kind, Size begin, Size end) {
  const WindowAxis& a = outer_axis(piece.shape);
  if (kind == ConvKind::input) {
    return keep_rows(piece, begin, end,
                     std::max<Size>(0, divide_up(begin + a.padding - (reach(a) - 1), a.stride)),
                     std::min(a.out, (end - 1 + a.padding) / a.stride + 1));
  }
  return keep_rows(piece, std::max<Size>(0, begin * a.stride - a.padding),
                   std::min(a.in, (end - 1) * a.stride - a.padding + reach(a)), begin, end);
}

}  // namespace

ConvCut::ConvCut(const ConvShape& s, ConvKind kind, Size wanted)
    : shape_(s),
      kind_(kind),
      rows_(kind == ConvKind::input ? outer_axis(s).in : outer_axis(s).out) {
  strips_ = std::max<Size>(1, std::min(wanted / s.batch, rows_ / least_rows));
  for (Size strip = 0; strips_ > 1 && strip < strips_; ++strip) {
    ConvPiece piece = images(0, 1);
    if (!keep_strip(piece, strip)) strips_ = 1;
  }
  pieces_ = strips_ > 1 ? s.batch * strips_ : std::min(wanted, s.batch);
}

ConvPiece ConvCut::piece(Size i) const {
  if (strips_ == 1) return images(i * shape_.batch / pieces_, (i + 1) * shape_.batch / pieces_);
  ConvPiece piece = images(i / strips_, i / strips_ + 1);
  keep_strip(piece, i % strips_);
  return piece;
}

ConvPiece ConvCut::images(Size first, Size end) const {
  ConvPiece piece{shape_, first * in_pixels(shape_) * shape_.in_channels,
                  first * out_pixels(shape_) * shape_.out_channels};
  piece.shape.batch = end - first;
  return piece;
}

bool ConvCut::keep_strip(ConvPiece& piece, Size strip) const {
  return keep_rows(piece, kind_, strip * rows_ / strips_, (strip + 1) * rows_ / strips_);
}

}  // namespace reel::kernels
