#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cmath>
#include <cstdio>
#include <string>

#include "reel/train/callbacks/progress_bar.h"
#include "reel/train/progress.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::train;
using reel::testing::Environment;

namespace {

const Progress half_way{.epoch = 2,
                        .epochs = 5,
                        .step = 900,
                        .steps = 1800,
                        .seconds = 90,
                        .figures = {{"loss", 0.37123}, {"accuracy", 0.86549}}};

std::size_t columns(const std::string& text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

/// A file that remembers what a ProgressBar wrote.
struct Written {
  std::FILE* file = std::tmpfile();
  Written() { REQUIRE(file != nullptr); }
  ~Written() { std::fclose(file); }
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;

  std::string text() const {
    std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
    std::rewind(file);
    REQUIRE(std::fread(text.data(), 1, text.size(), file) == text.size());
    return text;
  }
};

}  // namespace

TEST_CASE("a wide progress line shows everything") {
  CHECK(progress_line(half_way, {.width = 94}) ==
        "Epoch 2/5  ━━━━━━━━━─────────   900/1800  loss 0.3712  accuracy 0.8655  0.10 s/step  1:30 "
        "left");
}

TEST_CASE("a progress line does without Unicode") {
  CHECK(progress_line(half_way, {.width = 94, .unicode = false}) ==
        "Epoch 2/5  [========>.......]   900/1800  loss 0.3712  accuracy 0.8655  0.10 s/step  1:30 "
        "left");
}

TEST_CASE("the bar shows halves of a column") {
  Progress p{.epochs = 0, .step = 3, .steps = 16, .seconds = 16};
  CHECK(progress_line(p, {.width = 39}) == "━╾──────   3/16  5.33 s/step  1:10 left");
  p.step = 0;
  CHECK(progress_line(p, {.width = 17}) == "──────────   0/16");
  p.step = 16;
  CHECK(progress_line(p, {.width = 39}) == "━━━━━━━━━━━━━━━━━━━  16/16  1.00 s/step");
}

TEST_CASE("colours take no room") {
  const std::string line = progress_line(half_way, {.width = 94, .color = true});
  CHECK(line.find("\x1b[32m━━━━━━━━━\x1b[90m─────────\x1b[0m") != std::string::npos);
}

TEST_CASE("a progress line fits every width") {
  Progress p = half_way;
  p.figures.set("learning_rate", 1e-5);
  for (const bool unicode : {true, false}) {
    for (int width = 1; width <= 200; ++width) {
      CAPTURE(width);
      CHECK(columns(progress_line(p, {.width = width, .unicode = unicode})) <=
            static_cast<std::size_t>(width));
    }
  }
}

TEST_CASE("what is needed least leaves a narrow line first") {
  CHECK(progress_line(half_way, {.width = 78}).find("us/step") == std::string::npos);
  CHECK(progress_line(half_way, {.width = 61}) ==
        "Epoch 2/5   900/1800  loss 0.3712  accuracy 0.8655  1:30 left");
  CHECK(progress_line(half_way, {.width = 30}) == "Epoch 2/5  loss 0.3712");
  CHECK(progress_line(half_way, {.width = 12}) == "loss 0.3712");
}

TEST_CASE("less than a second is no time left") {
  Progress p = half_way;
  p.seconds = 0.35;
  CHECK(progress_line(p, {.width = 120}).find("left") == std::string::npos);
  p.seconds = 1.5;
  CHECK(progress_line(p, {.width = 120}).ends_with("0:02 left"));
}

TEST_CASE("a line too long is cut between characters") {
  const Progress p{.epochs = 0, .figures = {{"größe", 1}}};
  CHECK(progress_line(p, {.width = 3}) == "grö");
  CHECK(progress_line(p, {.width = 4}) == "größ");
  CHECK(epoch_line(p, 3) == "grö");
}

TEST_CASE("a run of unknown length has no bar and no time left") {
  Progress p = half_way;
  p.steps = 0;
  CHECK(progress_line(p, {.width = 100}) ==
        "Epoch 2/5  900  loss 0.3712  accuracy 0.8655  0.10 s/step");
}

TEST_CASE("the line of an ended epoch") {
  Progress p = half_way;
  p.step = 1800;
  p.seconds = 0.18;
  p.figures.set("val_loss", 0.4);
  CHECK(epoch_line(p) ==
        "Epoch 2/5  1800/1800  loss 0.3712  accuracy 0.8655  val_loss 0.4000  100 us/step  0.18 s");
}

TEST_CASE("the line of an ended epoch fits a narrow terminal") {
  Progress p = half_way;
  p.step = 1800;
  p.seconds = 0.18;
  p.figures.set("val_loss", 0.4);
  const std::string whole = epoch_line(p);
  CHECK(epoch_line(p, static_cast<int>(columns(whole))) == whole);
  CHECK(epoch_line(p, 79) ==
        "Epoch 2/5  1800/1800  loss 0.3712  accuracy 0.8655  val_loss 0.4000  0.18 s");
  CHECK(epoch_line(p, 70) == "Epoch 2/5  loss 0.3712  accuracy 0.8655  val_loss 0.4000  0.18 s");
  CHECK(epoch_line(p, 57) == "Epoch 2/5  loss 0.3712  accuracy 0.8655  val_loss 0.4000");
  CHECK(epoch_line(p, 25) == "Epoch 2/5  loss 0.3712");
  for (int width = 1; width <= 100; ++width) {
    CHECK(columns(epoch_line(p, width)) <= static_cast<std::size_t>(width));
  }
}

TEST_CASE("tiny, huge and missing figures stay readable") {
  const Progress p{.epochs = 0,
                   .figures = {{"a", 1e-5}, {"b", 123456.0}, {"c", -std::nan("")}, {"d", 0.0}}};
  CHECK(epoch_line(p) == "0  a 1.000e-05  b 1.235e+05  c nan  d 0.0000  0 ns");
  // Small numbers that four decimals hold, as rates are, stay readable.
  const Progress rates{.epochs = 0,
                       .figures = {{"a", 0.0008}, {"b", -2e-4}, {"c", 0.00085}, {"d", 0.00004}}};
  CHECK(epoch_line(rates) == "0  a 0.0008  b -0.0002  c 8.500e-04  d 4.000e-05  0 ns");
}

TEST_CASE("seconds as a person says them") {
  CHECK(readable_seconds(17e-9) == "17 ns");
  CHECK(readable_seconds(54.2e-6) == "54 us");
  CHECK(readable_seconds(3.21e-3) == "3.2 ms");
  CHECK(readable_seconds(0.0421) == "42 ms");
  CHECK(readable_seconds(0.104) == "0.10 s");
  CHECK(readable_seconds(12.34) == "12.3 s");
  CHECK(readable_seconds(65.2) == "1:05");
  CHECK(readable_seconds(7384) == "2:03:04");
  CHECK(readable_seconds(-1) == "?");
  CHECK(readable_seconds(std::nan("")) == "?");
}

TEST_CASE("a number of seconds is rounded to what is shown of it, and no time is a question mark") {
  CHECK(readable_seconds(9.94e-3) == "9.9 ms");
  CHECK(readable_seconds(9.97e-3) == "10 ms");
  CHECK(readable_seconds(9.997) == "10.0 s");
  CHECK(readable_seconds(59.94) == "59.9 s");
  CHECK(readable_seconds(59.96) == "1:00");
  CHECK(readable_seconds(3599.6) == "1:00:00");
  CHECK(readable_seconds(HUGE_VAL) == "?");
  CHECK(readable_seconds(1e300) == "?");
  Progress p = half_way;
  p.seconds = 1e300;
  CHECK(progress_line(p, {.width = 200}).find("left") == std::string::npos);
}

TEST_CASE("a pipe gets one line an epoch and no control characters") {
  Written out;
  {
    ProgressBar bar(Verbose::automatic, out.file);
    for (int epoch = 1; epoch <= 2; ++epoch) {
      bar.start();
      Progress p{.epoch = epoch, .epochs = 2, .steps = 3};
      for (; p.step < p.steps; ++p.step) {
        if (bar.due()) bar.draw(p);
      }
      p.seconds = 0.3;
      bar.finish(p);
    }
  }
  CHECK(out.text() == "Epoch 1/2  3/3  0.10 s/step  0.30 s\nEpoch 2/2  3/3  0.10 s/step  0.30 s\n");
}

TEST_CASE("a terminal gets one line that is redrawn and then replaced") {
  const Environment ascii("LC_ALL", "C"), plain("NO_COLOR", "1"), narrow("COLUMNS", "30");
  Written out;
  {
    ProgressBar bar(Verbose::bar, out.file);
    CHECK(bar.due());
    bar.draw({.epochs = 0, .step = 1, .steps = 4, .seconds = 1});
    CHECK_FALSE(bar.due());
    bar.finish({.epochs = 0, .step = 4, .steps = 4, .seconds = 8, .figures = {{"loss", 0.5}}});
  }
  // 30 columns, of which the last stays free.
  CHECK(out.text() == "[==>........]  1/4  0:03 left\r\x1b[J4/4  loss 0.5000  8.00 s\n");
}

TEST_CASE("a line that the narrower terminal has wrapped is wiped whole") {
  const Environment ascii("LC_ALL", "C"), plain("NO_COLOR", "1");
  Written out;
  {
    ProgressBar bar(Verbose::bar, out.file);
    const Environment wide("COLUMNS", "80");
    bar.draw({.epochs = 0, .step = 1, .steps = 4, .seconds = 1});
    const Environment narrow("COLUMNS", "20");
    bar.clear();
  }
  CHECK(out.text().ends_with("\r\x1b[3A\x1b[J"));
}

TEST_CASE("a wiped line is wiped at once, before others write to the same terminal") {
  const Environment ascii("LC_ALL", "C"), plain("NO_COLOR", "1"), narrow("COLUMNS", "21");
  Written out;
  ProgressBar bar(Verbose::bar, out.file);
  bar.draw({.epochs = 0, .step = 1, .steps = 4, .seconds = 1});
  bar.clear();
  struct stat written {};
  REQUIRE(::fstat(fileno(out.file), &written) == 0);
  CHECK(written.st_size == std::ftell(out.file));
}

TEST_CASE("a run that stops half way keeps its line") {
  const Environment ascii("LC_ALL", "C"), narrow("COLUMNS", "21");
  Written out;
  { ProgressBar(Verbose::bar, out.file).draw({.epochs = 0, .step = 1, .steps = 4, .seconds = 1}); }
  CHECK(out.text() == "1/4  0:03 left\n");
}

TEST_CASE("nothing is said when nothing is to be said") {
  Written out;
  {
    ProgressBar bar(Verbose::none, out.file);
    CHECK_FALSE(bar.due());
    bar.draw(half_way);
    bar.finish(half_way);
  }
  CHECK(out.text().empty());
}

TEST_CASE("a pipe gets whole lines, however narrow the terminal is") {
  const Environment narrow("COLUMNS", "20");
  Written out;
  ProgressBar(Verbose::lines, out.file).finish(half_way);
  CHECK(out.text() == epoch_line(half_way) + "\n");
}

TEST_CASE("a bar is drawn at once, and at most ten times a second however often it is asked") {
  const Environment ascii("LC_ALL", "C"), plain("NO_COLOR", "1"), wide("COLUMNS", "80");
  Written out;
  int drawn = 0;
  {
    ProgressBar bar(Verbose::bar, out.file);
    for (int step = 0; step < 200'000; ++step) {
      if (!bar.due()) continue;
      bar.draw(half_way);
      ++drawn;
    }
    CHECK(drawn >= 1);
    CHECK(drawn <= 1 + 10 * bar.seconds());
  }
  // Asking is free of effects: nothing is written but what was drawn, each wiping the one before.
  const std::string line = progress_line(half_way, {.width = 79, .unicode = false});
  std::string expected = line;
  for (int again = 1; again < drawn; ++again) expected += "\r\x1b[J" + line;
  CHECK(out.text() == expected + "\n");
}
