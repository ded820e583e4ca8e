#include "reel/datasets/detail/rasteriser.h"

#include <algorithm>
#include <cmath>

namespace reel::datasets::detail {
namespace {
constexpr int side = Canvas::side;
constexpr int row_length = side + 1;

/// The area to the right of an edge and to the left of `x`, for an edge one pixel high that runs
/// from `x0` to `x1 >= x0`.
float area_left_of(float x, float x0, float x1) {
  if (x <= x0) return 0;
  if (x >= x1) return x - (x0 + x1) / 2;
  return (x - x0) * (x - x0) / (2 * (x1 - x0));
}
}  // namespace

Path& Path::curve(Point control, Point to) {
  constexpr int pieces = 6;
  const Point from = points_.back();
  for (int i = 1; i <= pieces; ++i) {
    const float t = static_cast<float>(i) / pieces, s = 1 - t;
    points_.push_back({s * s * from.x + 2 * s * t * control.x + t * t * to.x,
                       s * s * from.y + 2 * s * t * control.y + t * t * to.y});
  }
  return *this;
}

void Canvas::add_edge(Point from, Point to) {
  const float direction = from.y < to.y ? 1.0F : -1.0F;
  if (direction < 0) std::swap(from, to);
  const float y_begin = std::max(from.y, 0.0F);
  const float y_end = std::min(to.y, static_cast<float>(side));
  if (y_begin >= y_end) return;
  const float slope = (to.x - from.x) / (to.y - from.y);

  const int first = static_cast<int>(y_begin);
  const int last = std::min(static_cast<int>(std::ceil(y_end)), side);
  top_ = std::min(top_, first);
  bottom_ = std::max(bottom_, last);
  float x = from.x + (y_begin - from.y) * slope;
  for (int row = first; row < last; ++row) {
    const auto y = static_cast<float>(row);
    const float height = std::min(y + 1, y_end) - std::max(y, y_begin);
    const float x_next = x + slope * height;
    // Beyond the borders an edge counts as if it ran along them.
    const float x0 = std::clamp(std::min(x, x_next), 0.0F, static_cast<float>(side));
    const float x1 = std::clamp(std::max(x, x_next), 0.0F, static_cast<float>(side));
    x = x_next;

    float* const areas = &areas_[static_cast<std::size_t>(row * row_length)];
    const int begin = static_cast<int>(x0);
    const int end = std::min(static_cast<int>(x1) + 1, side);
    left_ = std::min(left_, begin);
    float area = 0, covered = 0;
    for (int column = begin; column <= end; ++column) {
      const float next = area_left_of(static_cast<float>(column + 1), x0, x1);
      areas[column] += direction * height * (next - area - covered);
      covered = next - area;
      area = next;
    }
  }
}

void Canvas::paint(float level, const Texture* texture) {
  for (int row = top_; row < bottom_; ++row) {
    float* const areas = &areas_[static_cast<std::size_t>(row * row_length)];
    float* const pixels = &pixels_[static_cast<std::size_t>(row * side)];
    float sum = 0;
    for (int x = left_; x < side; ++x) {
      sum += areas[x];
      areas[x] = std::min(std::abs(sum), 1.0F);
    }
    const float base =
        texture != nullptr ? level * texture->down[static_cast<std::size_t>(row)] : level;
    for (int x = left_; x < side; ++x) {
      const float shade =
          texture != nullptr ? base * texture->across[static_cast<std::size_t>(x)] : base;
      pixels[x] += areas[x] * (shade - pixels[x]);
    }
    std::fill(areas + left_, areas + row_length, 0.0F);
  }
  left_ = top_ = side;
  bottom_ = 0;
}

void Canvas::fill(const Path& outline, float level, const Texture* texture) {
  const std::span<const Point> points = outline.points();
  Point from = transform_(points.back());
  for (const Point& point : points) {
    const Point to = transform_(point);
    add_edge(from, to);
    from = to;
  }
  paint(level, texture);
}

void Canvas::stroke(const Path& path, float width, float level, const Texture* texture) {
  const std::span<const Point> points = path.points();
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    const Point p = points[i], q = points[i + 1];
    const float length = std::hypot(q.x - p.x, q.y - p.y);
    if (length == 0) continue;
    const float nx = (p.y - q.y) / length * width / 2, ny = (q.x - p.x) / length * width / 2;
    fill({{p.x + nx, p.y + ny}, {q.x + nx, q.y + ny}, {q.x - nx, q.y - ny}, {p.x - nx, p.y - ny}},
         level, texture);
  }
}

void Canvas::write(std::uint8_t* out, std::span<const std::uint8_t> noise, float strength) const {
  for (std::size_t i = 0; i < pixels_.size(); ++i) {
    const float away = (static_cast<float>(noise[i]) - 127.5F) * strength;
    const float level = pixels_[i] > 4 ? pixels_[i] + away : 0.0F;
    out[i] = static_cast<std::uint8_t>(std::clamp(level, 0.0F, 255.0F));
  }
}

}  // namespace reel::datasets::detail
