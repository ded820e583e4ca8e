// The only main of the tests: runs doctest and ends in one line that scripts/test adds up,
//   reel-tests: 12 passed, 0 failed, 1 skipped
// where a case that reached REEL_SKIP, or is marked doctest::skip(), counts as skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "support/skip.h"

namespace {

struct Tally {
  int passed = 0;
  int failed = 0;
  int skipped = 0;
  std::string source_filter;  // of -sf=*…*, without the stars
};

Tally tally;

// Counts cases as they end; doctest's own summary takes a case that skipped itself for a passed
// one.
class Counter : public doctest::IReporter {
 public:
  explicit Counter(const doctest::ContextOptions&) {}

  void test_case_start(const doctest::TestCaseData&) override {
    skips_before_ = reel::testing::skips;
  }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    if (!stats.testCaseSuccess) {
      ++tally.failed;
    } else if (reel::testing::skips > skips_before_) {
      ++tally.skipped;
    } else {
      ++tally.passed;
    }
  }
  // doctest also reports cases here that a filter left out; those are another run's to count.
  void test_case_skipped(const doctest::TestCaseData& test) override {
    const std::string_view file = test.m_file.c_str();
    if (test.m_skip && file.find(tally.source_filter) != std::string_view::npos) ++tally.skipped;
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}

 private:
  int skips_before_ = 0;
};

REGISTER_LISTENER("reel_counter", 1, Counter);

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with("-sf=")) continue;
    for (const char c : argument.substr(4))
      if (c != '*') tally.source_filter += c;
  }

  doctest::Context context(argc, argv);
  const int status = context.run();
  if (context.shouldExit()) return status;

  std::printf("reel-tests: %d passed, %d failed, %d skipped\n", tally.passed, tally.failed,
              tally.skipped);
  if (tally.passed + tally.failed + tally.skipped == 0) {
    std::fputs("no test case matches the filters\n", stderr);
    return 1;
  }
  return status;
}
