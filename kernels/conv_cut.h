#pragma once

#include "reel/kernels/conv.h"

namespace reel::kernels {

/// What a convolution computes: its output, the gradient of its input or that of its weights.
enum class ConvKind { forward, input, weight };

/// Some images, or some rows of one (planes of one with depth), as a convolution of their own; and where these begin, in
/// elements of channels-last tensors.
struct ConvPiece {
  ConvShape shape;
  Size x = 0, y = 0;
};

/// A convolution cut into about as many pieces as wanted: of whole images or, where there are too
/// few of them, of planes or rows of one. Pieces of the output, or of the input's gradient, do not overlap
/// and leave nothing out; the weights' gradient is the sum of theirs. The batch must not be empty.
class ConvCut {
 public:
  ConvCut(const ConvShape& shape, ConvKind kind, Size wanted);

  Size pieces() const { return pieces_; }
  ConvPiece piece(Size i) const;

 private:
  ConvPiece images(Size first, Size end) const;
  bool keep_strip(ConvPiece& piece, Size strip) const;

  ConvShape shape_;
  ConvKind kind_;
  Size rows_, strips_ = 1, pieces_ = 1;
};

}  // namespace reel::kernels
