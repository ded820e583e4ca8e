#include "reel/kernels/conv_cut.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using namespace reel;
using namespace reel::kernels;

namespace {

/// Calls `f(x, y, w)` with the indices of every product of a convolution of one channel.
template <class F>
void each_product(const ConvShape& s, const F& f) {
  for (Size n = 0; n < s.batch; ++n) {
    for (Size o = 0; o < s.out_h; ++o) {
      for (Size k = 0; k < s.kernel_h; ++k) {
        const Size i = o * s.stride_h - s.padding_h + k * s.dilation_h;
        if (i < 0 || i >= s.in_h) continue;
        for (Size w = 0; w < s.out_w; ++w)
          f((n * s.in_h + i) * s.in_w + w, (n * s.out_h + o) * s.out_w + w, k);
      }
    }
  }
}

/// How often every (x, y, w) is multiplied.
std::vector<int> products(const ConvShape& whole, const ConvPiece& piece,
                          std::vector<int> counts = {}) {
  const Size xs = whole.batch * whole.in_h * whole.in_w,
             ys = whole.batch * whole.out_h * whole.out_w;
  counts.resize(static_cast<std::size_t>(xs * ys * whole.kernel_h));
  each_product(piece.shape, [&](Size x, Size y, Size w) {
    ++counts[static_cast<std::size_t>(((piece.x + x) * ys + piece.y + y) * whole.kernel_h + w)];
  });
  return counts;
}

ConvShape random_shape(std::mt19937& generator) {
  auto draw = [&](int low, int high) {
    return static_cast<Size>(std::uniform_int_distribution<int>(low, high)(generator));
  };
  for (;;) {
    ConvShape s{};
    s.batch = draw(1, 3);
    s.groups = s.in_channels = s.out_channels = 1;
    s.in_h = draw(1, 24);
    s.in_w = s.out_w = draw(1, 2);
    s.kernel_h = draw(1, 4);
    s.stride_h = draw(1, 4);
    s.dilation_h = draw(1, 3);
    s.padding_h = draw(0, 5);
    s.kernel_w = s.stride_w = s.dilation_w = 1;
    const Size room = s.in_h + 2 * s.padding_h - (s.kernel_h - 1) * s.dilation_h - 1;
    if (room < 0) continue;
    s.out_h = room / s.stride_h + 1;
    return s;
  }
}

}  // namespace

TEST_CASE("the pieces of a convolution multiply what the whole does, each pair once") {
  std::mt19937 generator(1);
  int in_rows = 0;
  for (int i = 0; i < 3000; ++i) {
    const ConvShape s = random_shape(generator);
    const std::vector<int> expected = products(s, {s});
    for (const ConvKind kind : {ConvKind::forward, ConvKind::input, ConvKind::weight}) {
      const ConvCut cut(s, kind, 1 + i % 9);
      std::vector<int> counts(expected.size());
      for (Size p = 0; p < cut.pieces(); ++p) counts = products(s, cut.piece(p), counts);
      CAPTURE(i);
      REQUIRE(counts == expected);
      in_rows += cut.pieces() > s.batch;
    }
  }
  CHECK(in_rows > 1000);
}
