#include "reel/datasets/detail/rasteriser.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

using namespace reel::datasets::detail;

namespace {

constexpr int side = Canvas::side;

std::vector<int> pixels_of(const Canvas& canvas) {
  const std::vector<std::uint8_t> no_noise(side * side, 128);
  std::vector<std::uint8_t> bytes(side * side);
  canvas.write(bytes.data(), no_noise, 0);
  return {bytes.begin(), bytes.end()};
}

std::vector<int> filled(const Path& path, float level = 255) {
  Canvas canvas;
  canvas.fill(path, level);
  return pixels_of(canvas);
}

/// How many pixels are painted, parts counted as parts.
double area(const std::vector<int>& pixels) {
  return std::accumulate(pixels.begin(), pixels.end(), 0) / 255.0;
}

}  // namespace

TEST_CASE("a rectangle on pixel borders fills just its pixels") {
  const std::vector<int> pixels = filled({{3, 5}, {10, 5}, {10, 7}, {3, 7}});
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const bool inside = x >= 3 && x < 10 && y >= 5 && y < 7;
      CHECK(pixels[static_cast<std::size_t>(y * side + x)] == (inside ? 255 : 0));
    }
  }
}

TEST_CASE("a pixel's grey is the share of it that is covered") {
  const std::vector<int> pixels = filled({{3.25F, 5.5F}, {5.5F, 5.5F}, {5.5F, 6}, {3.25F, 6}}, 200);
  CHECK(pixels[5 * side + 3] == 75);
  CHECK(pixels[5 * side + 4] == 100);
  CHECK(pixels[5 * side + 5] == 50);
  CHECK(pixels[5 * side + 6] == 0);
  CHECK(pixels[6 * side + 4] == 0);
}

TEST_CASE("the direction of an outline does not matter") {
  CHECK(filled({{2, 3}, {20, 9}, {11, 25}}) == filled({{11, 25}, {20, 9}, {2, 3}}));
}

TEST_CASE("slanted outlines cover the area that they enclose") {
  CHECK(area(filled({{2, 3}, {20, 9}, {11, 25}})) == doctest::Approx(171).epsilon(0.01));
  CHECK(area(filled({{1, 1}, {27, 1.4F}, {27, 2.4F}, {1, 2}})) ==
        doctest::Approx(26).epsilon(0.02));
  CHECK(area(filled({{1, 1}, {2, 1}, {5.5F, 27}, {4.5F, 27}})) ==
        doctest::Approx(26).epsilon(0.02));
}

TEST_CASE("a disc of curves has the area of a disc") {
  // A circle by eight quadratic curves, a unit circle's control points lying at 1 / cos(pi / 8).
  const float pi = 3.14159265F, radius = 10, outer = radius / std::cos(pi / 8);
  const auto on = [&](float r, float angle) {
    return Point{14 + r * std::cos(angle), 14 + r * std::sin(angle)};
  };
  Path path{on(radius, 0)};
  for (int i = 0; i < 8; ++i) {
    const float angle = static_cast<float>(i) * pi / 4;
    path.curve(on(outer, angle + pi / 8), on(radius, angle + pi / 4));
  }
  CHECK(area(filled(path)) == doctest::Approx(314.16).epsilon(0.01));
}

TEST_CASE("what lies beyond the borders is cut off there") {
  CHECK(area(filled({{-10, -10}, {100, -10}, {100, 100}, {-10, 100}})) == side * side);
  CHECK(area(filled({{-10, 5}, {14, 5}, {14, 7}, {-10, 7}})) == 28);
  CHECK(area(filled({{14, 26}, {16, 26}, {16, 60}, {14, 60}})) == 4);
  CHECK(area(filled({{20, 5}, {90, 5}, {90, 7}, {20, 7}})) == 16);
  CHECK(area(filled({{30, 5}, {40, 5}, {40, 7}, {30, 7}})) == 0);
  CHECK(area(filled({{-9, 5}, {-1, 5}, {-1, 7}, {-9, 7}})) == 0);
  CHECK(area(filled({{5, -9}, {7, -9}, {7, -1}, {5, -1}})) == 0);
}

TEST_CASE("later shapes lie over earlier ones, and a shape leaves nothing for the next") {
  Canvas canvas;
  canvas.fill({{0, 0}, {10, 0}, {10, 10}, {0, 10}}, 200);
  canvas.fill({{4, 4}, {6, 4}, {6, 6}, {4, 6}}, 50);
  const std::vector<int> pixels = pixels_of(canvas);
  CHECK(pixels[5 * side + 5] == 50);
  CHECK(pixels[7 * side + 7] == 200);
  CHECK(pixels[5 * side + 12] == 0);
}

TEST_CASE("a stroke has its width, a texture multiplies, a transform moves") {
  Canvas canvas;
  canvas.stroke({{2, 5}, {12, 5}}, 2, 255);
  CHECK(area(pixels_of(canvas)) == 20);

  Canvas textured;
  Canvas::Texture texture{};
  texture.across.fill(0.5F);
  texture.down.fill(1);
  texture.down[1] = 0.5F;
  textured.fill({{0, 0}, {2, 0}, {2, 2}, {0, 2}}, 200, &texture);
  CHECK(pixels_of(textured)[0] == 100);
  CHECK(pixels_of(textured)[side] == 50);

  Canvas moved;
  moved.set_transform({1, 0, 10, 0, 2, 4});
  moved.fill({{0, 0}, {1, 0}, {1, 1}, {0, 1}}, 255);
  CHECK(pixels_of(moved)[4 * side + 10] == 255);
  CHECK(pixels_of(moved)[5 * side + 10] == 255);
  CHECK(area(pixels_of(moved)) == 2);
}
