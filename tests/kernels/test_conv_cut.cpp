#include "reel/kernels/conv_cut.h"

#include <doctest/doctest.h>

#include <random>
#include <utility>
#include <vector>

using namespace reel;
using namespace reel::kernels;

namespace {

/// Calls `f(x, y, w)` with the indices of every product of a convolution of one channel.
template <class F>
void each_product(const ConvShape& s, const F& f) {
  // Windows lie along depth or rows; all other axes are as long in the output.
  const bool deep = s.rows.kernel == 1 && s.rows.stride == 1 && s.rows.padding == 0;
  const WindowAxis& a = deep ? s.depth : s.rows;
  const Size beside = in_pixels(s) / a.in;
  for (Size n = 0; n < s.batch; ++n) {
    for (Size o = 0; o < a.out; ++o) {
      for (Size k = 0; k < a.kernel; ++k) {
        const Size i = o * a.stride - a.padding + k * a.dilation;
        if (i < 0 || i >= a.in) continue;
        for (Size w = 0; w < beside; ++w)
          f((n * a.in + i) * beside + w, (n * a.out + o) * beside + w, k);
      }
    }
  }
}

/// How often every (x, y, w) is multiplied.
std::vector<int> products(const ConvShape& whole, const ConvPiece& piece,
                          std::vector<int> counts = {}) {
  const Size xs = whole.batch * in_pixels(whole), ys = whole.batch * out_pixels(whole);
  const Size cells = cell_count(whole);
  counts.resize(static_cast<std::size_t>(xs * ys * cells));
  each_product(piece.shape, [&](Size x, Size y, Size w) {
    ++counts[static_cast<std::size_t>(((piece.x + x) * ys + piece.y + y) * cells + w)];
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
    s.rows.in = draw(1, 24);
    s.columns.in = s.columns.out = draw(1, 2);
    s.rows.kernel = draw(1, 4);
    s.rows.stride = draw(1, 4);
    s.rows.dilation = draw(1, 3);
    s.rows.padding = draw(0, 5);
    s.columns.kernel = s.columns.stride = s.columns.dilation = 1;
    const Size room = s.rows.in + 2 * s.rows.padding - (s.rows.kernel - 1) * s.rows.dilation - 1;
    if (room < 0) continue;
    s.rows.out = room / s.rows.stride + 1;
    if (draw(0, 1) == 0) return s;
    std::swap(s.depth, s.rows);  // the same along depth, with pixels beside
    s.rows.in = s.rows.out = draw(1, 2);
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
