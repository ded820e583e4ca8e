// A bar chart as SVG: the longer the faster, and the best peer of each case is 1.

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "report.h"

namespace bench {

namespace {

constexpr double names_width = 270, bars_width = 480, figures_width = 130;
constexpr double bar = 13, group_gap = 14, head = 58;
constexpr double most = 4;  // what is faster gets a bar of this length, and its figure

double x_of(double multiple) { return names_width + std::min(multiple, most) / most * bars_width; }

/// "mlp_train/batch:32/threads:1" as "mlp train, batch 32, 1 thread".
std::string label(const Case& c) {
  std::string text = c.what;
  std::replace(text.begin(), text.end(), '_', ' ');
  if (c.size != 0) text += ", " + c.label + " " + std::to_string(c.size);
  return text + ", " + std::to_string(c.threads) + (c.threads == 1 ? " thread" : " threads");
}

/// "1.23 ms" for 1234 us.
std::string readable(double figure, const std::string& unit) {
  static const std::vector<std::string> units{"ns", "us", "ms", "s"};
  auto at = std::find(units.begin(), units.end(), unit);
  while (figure >= 999.5 && at != units.end() && at + 1 != units.end()) {
    figure /= 1000;
    ++at;
  }
  const std::string shown = at == units.end() ? unit : *at == "us" ? "µs" : *at;
  char text[32];
  std::snprintf(text, sizeof text, figure < 100 ? "%.3g %s" : "%.0f %s", figure, shown.c_str());
  return text;
}

/// The colour of a side is a class of the style sheet.
std::string colour(const std::string& side, const std::vector<std::string>& peers) {
  if (side == reel_side) return "reel";
  const auto at = std::find(peers.begin(), peers.end(), side) - peers.begin();
  return "peer" + std::to_string(at % 4);
}

const char* const style = R"(<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .small { font-size: 10.5px; fill: #59636e; paint-order: stroke; stroke: #fff;
           stroke-width: 3px; }
  .grid { stroke: #d1d9e0; } .one { stroke: #59636e; }
  .reel { fill: #c2410c; } .peer0 { fill: #64748b; } .peer1 { fill: #94a3b8; }
  .peer2 { fill: #7c9885; } .peer3 { fill: #a394b8; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } .small { fill: #9198a1; stroke: #0d1117; }
    .grid { stroke: #3d444d; } .one { stroke: #9198a1; }
    .reel { fill: #f97316; } .peer0 { fill: #8b9bb0; } .peer1 { fill: #5f6f85; }
    .peer2 { fill: #6f8f7b; } .peer3 { fill: #8878a3; }
  }
</style>
)";

}  // namespace

void write_svg(const std::vector<Row>& rows, const std::string& file) {
  std::vector<std::string> peers;
  std::vector<const Row*> shown;  // without a peer there is nothing to compare
  double height = head;
  for (const Row& row : rows) {
    if (row.ratio() == 0) continue;
    shown.push_back(&row);
    for (const auto& [side, figure] : row.medians) {
      if (side == limit_side) continue;
      height += bar;
      if (side != reel_side && std::find(peers.begin(), peers.end(), side) == peers.end()) {
        peers.push_back(side);
      }
    }
    height += group_gap;
  }

  std::ostringstream out;
  out.precision(5);
  const double width = names_width + bars_width + figures_width;
  out << R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 )" << width << ' ' << height + 8
      << R"(" width=")" << width << R"(" height=")" << height + 8 << R"(" role="img">)" << '\n'
      << "<title>Speed of Reel and its peers; the best peer of each case is 1</title>\n"
      << style;

  double legend = names_width;
  std::vector<std::string> sides{reel_side};
  sides.insert(sides.end(), peers.begin(), peers.end());
  for (const std::string& side : sides) {
    out << R"(<rect class=")" << colour(side, peers) << R"(" x=")" << legend
        << R"(" y="8" width="11" height="11"/><text x=")" << legend + 16 << R"(" y="18">)" << side
        << "</text>\n";
    legend += 40 + 7.2 * static_cast<double>(side.size());
  }

  for (int multiple = 0; multiple <= static_cast<int>(most); ++multiple) {
    const double x = x_of(multiple);
    out << R"(<line class=")" << (multiple == 1 ? "one" : "grid") << R"(" x1=")" << x << R"(" x2=")"
        << x << R"(" y1=")" << head - 10 << R"(" y2=")" << height - group_gap / 2
        << R"("/><text class="small" text-anchor="middle" x=")" << x << R"(" y=")" << head - 16
        << R"(">)" << multiple << "x" << (multiple == 1 ? " = best peer" : "") << "</text>\n";
  }

  double y = head;
  for (const Row* row : shown) {
    const double best = row->of(row->best_peer());
    out << R"(<text text-anchor="end" x=")" << names_width - 10 << R"(" y=")" << y + 11 << R"(">)"
        << label(row->what) << "</text>\n";
    for (const std::string& side : sides) {
      const double figure = row->of(side);
      if (figure == 0) continue;
      const double multiple = best / figure;
      char text[64];
      std::snprintf(text, sizeof text, "%.2fx  %s", multiple,
                    readable(figure, row->what.unit).c_str());
      out << R"(<rect class=")" << colour(side, peers) << R"(" x=")" << names_width << R"(" y=")"
          << y << R"(" width=")" << x_of(multiple) - names_width << R"(" height=")" << bar - 2
          << R"("/><text class="small" x=")" << x_of(multiple) + 5 << R"(" y=")" << y + bar - 3.5
          << R"(">)" << text << (multiple > most ? " →" : "") << "</text>\n";
      y += bar;
    }
    y += group_gap;
  }
  out << "</svg>\n";
  write_file(out.str(), file);
}

}  // namespace bench
