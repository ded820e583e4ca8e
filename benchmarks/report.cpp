#include "report.h"

#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace bench {

namespace {

constexpr int name_width = 44;

/// "12.3 us", or "-" for a missing figure, in a column of 12.
void print_figure(double figure, const std::string& unit) {
  if (figure > 0) {
    std::printf(" %8.*f %-3s",
                figure < 1      ? 3
                : figure < 100  ? 2
                : figure < 1000 ? 1
                                : 0,
                figure, unit.c_str());
  } else {
    std::printf(" %12s", "-   ");
  }
}

/// The number, or null where it is missing.
std::string number(double value) {
  if (!(value > 0)) return "null";
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// Names hold letters, digits and punctuation only, so that quotes are all they need.
std::string quoted(const std::string& text) { return text.empty() ? "null" : '"' + text + '"'; }

}  // namespace

void print_head(const std::vector<std::string>& peers) {
  std::printf("%-*s %12s", name_width, "case", "Reel    ");
  for (const std::string& peer : peers) std::printf(" %12s", peer.c_str());
  std::printf(" %8s %9s\n", "ratio", "of limit");
}

void print_row(const Row& row, const std::vector<std::string>& peers) {
  const double reel = row.of(reel_side);
  std::printf("%-*s", name_width, row.what.name().c_str());
  print_figure(reel, row.what.unit);
  for (const std::string& peer : peers) print_figure(row.of(peer), row.what.unit);
  row.ratio() > 0 ? std::printf(" %7.2fx", row.ratio()) : std::printf(" %8s", "-");
  const double limit = row.of(limit_side);
  limit > 0 && reel > 0 ? std::printf(" %7.0f %%", 100 * limit / reel) : std::printf(" %9s", "-");
  std::printf("\n");
  std::fflush(stdout);
}

void write_file(const std::string& text, const std::string& file) {
  std::ofstream out(file);
  out << text;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + file);
}

void write_json(const std::vector<Row>& rows, const std::string& file) {
  std::ostringstream out;
  out << "[";
  const char* separator = "\n";
  for (const Row& row : rows) {
    const std::string best = row.best_peer();
    out << separator << R"(  {"case": )" << quoted(row.what.name()) << R"(, "threads": )"
        << row.what.threads << R"(, "unit": )" << quoted(row.what.unit) << R"(, "reel": )"
        << number(row.of(reel_side)) << R"(, "peer": )" << number(row.of(best))
        << R"(, "peer_name": )" << quoted(best) << R"(, "ratio": )" << number(row.ratio())
        << R"(, "limit": )" << number(row.of(limit_side)) << R"(, "peers": {)";
    const char* comma = "";
    for (const auto& [side, figure] : row.medians) {
      if (side == reel_side || side == limit_side) continue;
      out << comma << quoted(side) << ": " << number(figure);
      comma = ", ";
    }
    out << "}}";
    separator = ",\n";
  }
  out << "\n]\n";
  write_file(out.str(), file);
}

}  // namespace bench
