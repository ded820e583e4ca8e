#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "reel/base/dtype.h"
#include "reel/base/export.h"

namespace reel::datasets::detail {

/// A place on the canvas in pixels, x to the right, y down; pixel (0, 0) covers [0, 1) x [0, 1).
struct Point {
  float x = 0;
  float y = 0;
};

/// An outline made of lines and quadratic curves; closed by itself when it is filled.
class REEL_API Path {
 public:
  Path() = default;
  Path(std::initializer_list<Point> corners) : points_(corners) {}

  Path& line(Point to) {
    points_.push_back(to);
    return *this;
  }
  /// A quadratic Bezier curve from the last point, bent towards `control`.
  Path& curve(Point control, Point to);

  std::span<const Point> points() const { return points_; }

 private:
  std::vector<Point> points_;
};

/// x' = a x + b y + c, y' = d x + e y + f.
struct Affine {
  float a = 1, b = 0, c = 0;
  float d = 0, e = 1, f = 0;
  Point operator()(Point p) const { return {a * p.x + b * p.y + c, d * p.x + e * p.y + f}; }
};

/// A grey picture of 28x28 pixels, 0 to 255, on which anti-aliased shapes are painted one over
/// another. How much of a pixel a shape covers is computed exactly, by adding up the signed areas
/// to the right of its edges (the accumulation buffer of font renderers).
class REEL_API Canvas {
 public:
  static constexpr int side = 28;

  /// What shades are multiplied by: `across[x] * down[y]`, for stripes, checks and shading.
  struct Texture {
    std::array<float, side> across;
    std::array<float, side> down;
  };

  /// Where shapes land: applied to every point that is painted.
  void set_transform(const Affine& transform) { transform_ = transform; }

  /// Paints the inside of `outline` with grey `level`, textured if given a texture.
  void fill(const Path& outline, float level, const Texture* texture = nullptr);

  /// Paints a line of `width` pixels along `path`.
  void stroke(const Path& path, float width, float level, const Texture* texture = nullptr);

  /// Writes the picture as bytes, each `noise[i] - 128` times `strength` away from its level where
  /// something was painted; the background stays black.
  void write(std::uint8_t* out, std::span<const std::uint8_t> noise, float strength) const;

 private:
  void add_edge(Point from, Point to);
  void paint(float level, const Texture* texture);

  Affine transform_;
  std::array<float, side * side> pixels_{};
  // One column more than the picture: where edges beyond the right border go.
  std::array<float, side*(side + 1)> areas_{};
  int left_ = side, top_ = side, bottom_ = 0;  // what areas_ holds, in pixels
};

}  // namespace reel::datasets::detail
