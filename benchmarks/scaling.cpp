// Line plots of how the cost grows: one panel for each case that was measured at several sizes.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "report.h"

namespace bench {

namespace {

constexpr double panel = 220, gap = 64, left = 62, top = 40, bottom = 46;

struct Point {
  double size, time;
};

struct Panel {
  std::string what, label, unit;
  int threads;
  std::vector<Point> points;
};

std::vector<Panel> panels_of(const std::vector<Row>& rows) {
  std::vector<Panel> panels;
  for (const Row& row : rows) {
    const Case& c = row.what;
    if (panels.empty() || panels.back().what != c.what || panels.back().threads != c.threads)
      panels.push_back({c.what, c.label, c.unit, c.threads, {}});
    panels.back().points.push_back({static_cast<double>(c.size), row.of(reel_side)});
  }
  return panels;
}

/// The slope of the larger half of the points in logarithms: 1 where cost is proportional to size.
double exponent(const std::vector<Point>& points) {
  const std::size_t first = points.size() / 2;
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t i = first; i < points.size(); ++i) {
    const double x = std::log(points[i].size), y = std::log(points[i].time);
    n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

/// An axis in logarithms that covers whole decades.
struct Axis {
  double low, high;

  Axis(double smallest, double largest)
      : low(std::floor(std::log10(smallest))), high(std::ceil(std::log10(largest))) {
    if (high <= low) high = low + 1;
  }
  double at(double value) const { return (std::log10(value) - low) / (high - low) * panel; }
};

std::string power_of_ten(double exponent) {
  if (exponent >= 0 && exponent < 4) {
    std::string text = "1";
    return text.append(static_cast<std::size_t>(exponent), '0');
  }
  char text[64];
  std::snprintf(text, sizeof text, R"(10<tspan dy="-4" font-size="8">%.0f</tspan>)", exponent);
  return text;
}

const char* const style = R"(<style>
  text { font: 11px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 12.5px; }
  .grid { stroke: #d1d9e0; } .line { stroke: #c2410c; stroke-width: 2; fill: none; }
  .point { fill: #c2410c; } .linear { stroke: #59636e; stroke-dasharray: 4 4; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } .grid { stroke: #3d444d; } .line { stroke: #f97316; }
    .point { fill: #f97316; } .linear { stroke: #9198a1; }
  }
</style>
)";

void draw(std::ostream& out, const Panel& p, double x0) {
  const auto [fastest, slowest] =
      std::minmax_element(p.points.begin(), p.points.end(),
                          [](const Point& a, const Point& b) { return a.time < b.time; });
  const Axis xs(p.points.front().size, p.points.back().size), ys(fastest->time, slowest->time);
  const double floor = top + panel;
  std::string title = p.what.substr(p.what.find('_') + 1);
  char slope[64];
  std::snprintf(slope, sizeof slope, "grows as %s^%.2f", p.label.c_str(), exponent(p.points));
  out << R"(<text class="title" x=")" << x0 << R"(" y="16">)" << title << R"(</text><text x=")"
      << x0 << R"(" y="31">)" << slope << "</text>\n";
  for (double decade = xs.low; decade <= xs.high; ++decade) {
    const double x = x0 + xs.at(std::pow(10, decade));
    out << R"(<line class="grid" x1=")" << x << R"(" x2=")" << x << R"(" y1=")" << top
        << R"(" y2=")" << floor << R"("/><text text-anchor="middle" x=")" << x << R"(" y=")"
        << floor + 16 << R"(">)" << power_of_ten(decade) << "</text>\n";
  }
  for (double decade = ys.low; decade <= ys.high; ++decade) {
    const double y = floor - ys.at(std::pow(10, decade));
    out << R"(<line class="grid" x1=")" << x0 << R"(" x2=")" << x0 + panel << R"(" y1=")" << y
        << R"(" y2=")" << y << R"("/><text text-anchor="end" x=")" << x0 - 6 << R"(" y=")" << y + 4
        << R"(">)" << power_of_ten(decade) << "</text>\n";
  }
  // Proportional to size, through the largest point, as far down as the panel goes.
  const Point& last = p.points.back();
  const double lowest = std::pow(10, ys.low);
  const double from = std::max(p.points.front().size, last.size * lowest / last.time);
  out << R"(<line class="linear" x1=")" << x0 + xs.at(from) << R"(" y1=")"
      << floor - ys.at(last.time * from / last.size) << R"(" x2=")" << x0 + xs.at(last.size)
      << R"(" y2=")" << floor - ys.at(last.time) << R"("/>)" << '\n';
  out << R"(<polyline class="line" points=")";
  for (const Point& point : p.points)
    out << x0 + xs.at(point.size) << ',' << floor - ys.at(point.time) << ' ';
  out << R"("/>)" << '\n';
  for (const Point& point : p.points) {
    out << R"(<circle class="point" r="3" cx=")" << x0 + xs.at(point.size) << R"(" cy=")"
        << floor - ys.at(point.time) << R"("/>)" << '\n';
  }
  out << R"(<text text-anchor="middle" x=")" << x0 + panel / 2 << R"(" y=")" << floor + 34
      << R"(">)" << p.label << "</text>\n";
}

}  // namespace

void write_scaling_svg(const std::vector<Row>& rows, const std::string& file) {
  const std::vector<Panel> panels = panels_of(rows);
  std::ostringstream out;
  out.precision(5);
  const double width = left + static_cast<double>(panels.size()) * (panel + gap);
  const double height = top + panel + bottom;
  out << R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 )" << width << ' ' << height
      << R"(" width=")" << width << R"(" height=")" << height << R"(" role="img">)" << '\n'
      << "<title>Time of Reel against the size of the work; dashed: proportional</title>\n"
      << style;
  for (std::size_t i = 0; i < panels.size(); ++i) {
    if (panels[i].points.size() > 1)
      draw(out, panels[i], left + static_cast<double>(i) * (panel + gap));
  }
  if (!panels.empty()) {
    out << R"svg(<text text-anchor="middle" transform="rotate(-90)" x=")svg" << -(top + panel / 2)
        << R"(" y="14">)" << (panels[0].unit == "us" ? "µs" : panels[0].unit) << "</text>\n";
  }
  out << "</svg>\n";
  write_file(out.str(), file);
}

}  // namespace bench
