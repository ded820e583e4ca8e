#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "reel/autograd/profiler/profiler.h"
#include "reel/autograd/tape.h"
#include "reel/base/error.h"
#include "reel/ops/ops.h"
#include "support/trace_check.h"

using namespace reel;
using profiler::Profile;
using profiler::Range;
using profiler::SortBy;
using testing::events_of;
using testing::temporary_path;
using testing::trace_of;
using testing::TraceEvent;

TEST_CASE("the trace holds every event, nested as they ran") {
  const Tensor x = rand({2, 3}, {.requires_grad = true});
  Profile profile({.record_shapes = true});
  {
    Range range{"quote \" backslash \\ line\nGrad \xc3\xbc broken \xff end"};
    mean(softmax(x * 2, 1)).backward();
  }
  const std::string trace = trace_of(profile);
  const std::vector<TraceEvent> events = events_of(trace);
  Size calls = 0;
  for (const profiler::Row& row : profile.rows()) calls += row.calls;
  CHECK(static_cast<Size>(events.size()) == calls);
  CHECK(trace.find(R"("quote \" backslash \\ line\u000aGrad )"
                   "\xc3\xbc broken \\ufffd end\"") != std::string::npos);
  CHECK(trace.find(R"("name":"softmax","cat":"op")") != std::string::npos);
  CHECK(trace.find(R"("name":"softmax backward","cat":"backward")") != std::string::npos);
  CHECK(trace.find(R"("shapes":"[2, 3]")") != std::string::npos);
  for (const TraceEvent& a : events) {
    for (const TraceEvent& b : events) {
      const double end_a = a.start + a.duration, end_b = b.start + b.duration;
      constexpr double rounding = 2e-3;
      const bool apart = end_a <= b.start + rounding || end_b <= a.start + rounding;
      const bool inside = (a.start <= b.start + rounding && end_b <= end_a + rounding) ||
                          (b.start <= a.start + rounding && end_a <= end_b + rounding);
      CHECK((apart || inside));
    }
  }
}

TEST_CASE("shapes are left out unless asked for") {
  Profile profile;
  exp(rand({2, 3}));
  CHECK(trace_of(profile).find("shapes") == std::string::npos);
}

TEST_CASE("a trace that was cut short says so, and the counts stay exact") {
  Profile profile({.max_events = 10});
  const Tensor x = ones({3});
  for (int i = 0; i < 50; ++i) exp(x);
  CHECK(profile["exp"].calls == 50);
  CHECK(profile.dropped_events() == 41);
  const std::string trace = trace_of(profile);
  CHECK(events_of(trace).size() == 10);
  CHECK(trace.find(R"("dropped_events":41)") != std::string::npos);
  CHECK(profile.table().find("The trace lacks 41 events: max_events is 10.") != std::string::npos);
}

TEST_CASE("a trace that cannot be written throws and leaves nothing") {
  Profile profile;
  exp(ones({3}));
  CHECK_THROWS_WITH_AS(profile.write_chrome_trace("/no/such/folder/trace.json"),
                       "[write_chrome_trace] expected to write the file, got \"No such file or "
                       "directory\" (/no/such/folder/trace.json.reel-part-0)",
                       Error);
  const std::filesystem::path folder = temporary_path("reel_profiler_folder");
  std::filesystem::create_directories(folder / "trace.json" / "in the way");
  CHECK_THROWS_AS(profile.write_chrome_trace((folder / "trace.json").string()), Error);
  const auto entries = std::filesystem::directory_iterator(folder);
  CHECK(std::distance(begin(entries), end(entries)) == 1);
  std::filesystem::remove_all(folder);
}

TEST_CASE("rows and table come in the order asked for") {
  Profile profile;
  const Tensor x = ones({3});
  for (int i = 0; i < 5; ++i) exp(x);
  log(x);
  { Range range{"a name that is far too long to be shown as it is in a table of ops"}; }
  for (const SortBy by : {SortBy::self_time, SortBy::total_time, SortBy::mean_time, SortBy::calls,
                          SortBy::allocations, SortBy::bytes, SortBy::peak, SortBy::name}) {
    const std::vector<profiler::Row> rows = profile.rows(by);
    CHECK(rows.size() == 4);
    CHECK(std::is_sorted(rows.begin(), rows.end(), [&](const auto& a, const auto& b) {
      switch (by) {
        case SortBy::self_time:
          return a.self_time > b.self_time;
        case SortBy::total_time:
          return a.total_time > b.total_time;
        case SortBy::mean_time:
          return a.mean_time() > b.mean_time();
        case SortBy::calls:
          return a.calls > b.calls;
        case SortBy::allocations:
          return a.self_allocations > b.self_allocations;
        case SortBy::bytes:
          return a.self_bytes > b.self_bytes;
        case SortBy::peak:
          return a.peak_bytes > b.peak_bytes;
        default:
          return a.name < b.name;
      }
    }));
  }
  CHECK(profile.rows(SortBy::calls).front().name == "exp");

  const std::string table = profile.table({.sort_by = SortBy::calls, .rows = 1});
  std::istringstream lines(table);
  std::string header, rule, first, last_rule, more, summary;
  std::getline(lines, header);
  std::getline(lines, rule);
  std::getline(lines, first);
  std::getline(lines, last_rule);
  std::getline(lines, more);
  std::getline(lines, summary);
  CHECK(header.substr(0, 4) == "name");
  CHECK(rule == std::string(header.size(), '-'));
  CHECK(first.substr(0, 4) == "exp ");
  CHECK(first.size() == header.size());
  CHECK(last_rule == rule);
  CHECK(more == "and 3 rows more");
  CHECK(summary.substr(0, 25) == "8 calls on 1 thread took ");
  CHECK(profile.table().find("a name that is far ..s in a table of ops") != std::string::npos);
  CHECK(profile.table({.rows = 0}).find("rows more") == std::string::npos);
  CHECK_THROWS_AS(profile.table({.rows = -1}), Error);
}

TEST_CASE("an empty profile has a table") {
  Profile profile;
  CHECK(profile.table().find("name") == 0);
  CHECK(events_of(trace_of(profile)).empty());
}
