// What a profile has recorded, as rows, as a table and as a trace.

#include <algorithm>
#include <map>
#include <utility>

#include "reel/autograd/profiler/profiler.h"
#include "reel/autograd/profiler/session.h"
#include "reel/base/detail/file.h"
#include "reel/base/fail.h"

namespace reel::profiler {
namespace {

void add(Row& sum, const Row& row) {
  sum.calls += row.calls;
  sum.total_time += row.total_time;
  sum.self_time += row.self_time;
  sum.allocations += row.allocations;
  sum.self_allocations += row.self_allocations;
  sum.bytes += row.bytes;
  sum.self_bytes += row.self_bytes;
  sum.system_calls += row.system_calls;
  sum.peak_bytes = std::max(sum.peak_bytes, row.peak_bytes);
}

double key_of(const Row& row, SortBy sort_by) {
  switch (sort_by) {
    case SortBy::self_time:
      return static_cast<double>(row.self_time);
    case SortBy::total_time:
      return static_cast<double>(row.total_time);
    case SortBy::mean_time:
      return row.mean_time();
    case SortBy::calls:
      return static_cast<double>(row.calls);
    case SortBy::allocations:
      return static_cast<double>(row.self_allocations);
    case SortBy::bytes:
      return static_cast<double>(row.self_bytes);
    case SortBy::peak:
      return static_cast<double>(row.peak_bytes);
    default:
      return 0;
  }
}

// ---- the table

/// Three digits that count and a unit; units are of one width, so that digits align.
std::string readable(double value, const std::vector<const char*>& units, double step) {
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < units.size()) {
    value /= step;
    ++unit;
  }
  const int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", value, decimals, units[unit]);
}

std::string readable_time(double nanoseconds) {
  return readable(nanoseconds, {"ns", "us", "ms", "s "}, 1000);
}

std::string readable_bytes(double bytes) {
  return bytes == 0 ? "-" : readable(bytes, {"B  ", "KiB", "MiB", "GiB"}, 1024);
}

std::string readable_count(double count) { return count == 0 ? "-" : fmt::format("{:.0f}", count); }

/// A name on one line of bearable length. Long ones lose their middle: what tells them apart is
/// often at the end.
std::string fitting(std::string name) {
  constexpr std::size_t longest = 40, half = (longest - 2) / 2;
  for (char& c : name) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  if (name.size() <= longest) return name;
  const auto in_character = [&name](std::size_t at) {  // within the bytes of one, in UTF-8
    return (static_cast<unsigned char>(name[at]) & 0xc0) == 0x80;
  };
  std::size_t front = half, back = name.size() - half;
  while (front > 0 && in_character(front)) --front;
  while (back < name.size() && in_character(back)) ++back;
  return name.substr(0, front) + ".." + name.substr(back);
}

using Line = std::vector<std::string>;

/// Columns as wide as they need be, the first to the left, the others to the right.
std::string aligned(const std::vector<Line>& lines) {
  std::vector<std::size_t> widths(lines.front().size());
  for (const Line& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::size_t total = 2 * (widths.size() - 1);
  for (const std::size_t width : widths) total += width;
  const std::string rule = std::string(total, '-') + "\n";
  std::string text;
  for (std::size_t l = 0; l < lines.size(); ++l) {
    std::string line = fmt::format("{:<{}}", lines[l][0], widths[0]);
    for (std::size_t i = 1; i < widths.size(); ++i) {
      line += fmt::format("  {:>{}}", lines[l][i], widths[i]);
    }
    text += line + "\n";
    if (l == 0) text += rule;
  }
  return text + rule;
}

// ---- the trace

/// The length of the UTF-8 sequence at the front of `text`; 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80                    ? 1
                             : first >= 0xc2 && first < 0xe0 ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  }
  return length;
}

/// A JSON string. Bytes that are no text become U+FFFD.
std::string quoted(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      json += "\\ufffd";
    } else if (static_cast<unsigned char>(text.front()) < 0x20) {
      json += fmt::format("\\u{:04x}", static_cast<int>(text.front()));
    } else {
      if (text.front() == '"' || text.front() == '\\') json += '\\';
      json += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return json + "\"";
}

const char* category(EventKind kind) {
  switch (kind) {
    case EventKind::op:
      return "op";
    case EventKind::backward:
      return "backward";
    case EventKind::range:
      return "range";
    default:
      return "optimizer";
  }
}

double microseconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) * 1e-3; }

std::string event_json(const Event& event, std::size_t thread, std::int64_t start) {
  std::string args = fmt::format(R"("allocations":{},"bytes":{})", event.allocations, event.bytes);
  if (event.shapes != nullptr) args += fmt::format(R"(,"shapes":{})", quoted(*event.shapes));
  return fmt::format(
      R"({{"name":{},"cat":"{}","ph":"X","ts":{:.3f},"dur":{:.3f},"pid":1,"tid":{},"args":{{{}}}}})",
      quoted(event.entry->row.name), category(event.entry->kind), microseconds(event.start - start),
      microseconds(event.duration), thread, args);
}

}  // namespace

std::vector<Row> Profile::rows(SortBy sort_by) const {
  std::map<std::string, Row> by_name;
  session_->for_each_thread([&](const ThreadRecord& record) {
    for (const ThreadRecord::Names& names : record.entries) {
      for (const auto& [name, entry] : names) {
        if (entry.row.calls == 0) continue;
        Row& row = by_name[entry.row.name];
        row.name = entry.row.name;
        add(row, entry.row);
      }
    }
  });
  std::vector<Row> rows;
  for (auto& [name, row] : by_name) rows.push_back(std::move(row));
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    return key_of(a, sort_by) > key_of(b, sort_by);
  });
  return rows;
}

Row Profile::operator[](std::string_view name) const {
  Row sum;
  sum.name = name;
  session_->for_each_thread([&](const ThreadRecord& record) {
    for (const ThreadRecord::Names& names : record.entries) {
      for (const auto& [key, entry] : names) {
        if (entry.row.name == name) add(sum, entry.row);
      }
    }
  });
  return sum;
}

std::string Profile::table(const TableOptions& options) const {
  check(options.rows >= 0, "table", "expected rows of 0 or more, got {}", options.rows);
  const std::vector<Row> all = rows(options.sort_by);
  Row sum;
  for (const Row& row : all) add(sum, row);
  const auto shown =
      options.rows == 0 ? all.size() : std::min(all.size(), static_cast<std::size_t>(options.rows));
  std::vector<Line> lines{{"name", "calls", "self", "%", "total", "mean", "allocations", "bytes"}};
  for (std::size_t i = 0; i < shown; ++i) {
    const Row& row = all[i];
    const double self = static_cast<double>(row.self_time);
    lines.push_back(
        {fitting(row.name), fmt::format("{}", row.calls), readable_time(self),
         fmt::format("{:.1f}",
                     sum.self_time > 0 ? 100 * self / static_cast<double>(sum.self_time) : 0.0),
         readable_time(static_cast<double>(row.total_time)), readable_time(row.mean_time()),
         readable_count(static_cast<double>(row.self_allocations)),
         readable_bytes(static_cast<double>(row.self_bytes))});
  }
  std::size_t threads = 0;
  session_->for_each_thread([&](const ThreadRecord&) { ++threads; });
  std::string text = aligned(lines);
  if (shown < all.size()) text += fmt::format("and {} rows more\n", all.size() - shown);
  text += fmt::format(
      "{} calls on {} {} took {} of {}; {} allocations of {}, {} from the system; peak {}\n",
      sum.calls, threads, threads == 1 ? "thread" : "threads",
      readable_time(static_cast<double>(sum.self_time)),
      readable_time(static_cast<double>(duration())), sum.self_allocations,
      readable_bytes(static_cast<double>(sum.self_bytes)), sum.system_calls,
      readable_bytes(static_cast<double>(peak_bytes())));
  if (const std::size_t dropped = dropped_events(); dropped > 0) {
    text += fmt::format("The trace lacks {} events: max_events is {}.\n", dropped,
                        session_->options.max_events);
  }
  return text;
}

void Profile::write_chrome_trace(const std::string& path) const {
  detail::OutputFile file("write_chrome_trace", path);
  const auto write = [&](const std::string& text) { file.write(text.data(), text.size()); };
  write(fmt::format(R"({{"displayTimeUnit":"ns","otherData":{{"dropped_events":{}}},)"
                    "\n\"traceEvents\":[\n",
                    dropped_events()));
  write(R"({"name":"process_name","ph":"M","pid":1,"args":{"name":"reel"}})");
  std::size_t thread = 0;
  session_->for_each_thread([&](const ThreadRecord& record) {
    ++thread;
    write(fmt::format(
        ",\n"
        R"({{"name":"thread_name","ph":"M","pid":1,"tid":{0},"args":{{"name":"thread {0}"}}}})",
        thread));
    for (const Event& event : record.events) {
      write(",\n" + event_json(event, thread, session_->start));
    }
  });
  write("\n]}\n");
  file.commit();
}

}  // namespace reel::profiler
