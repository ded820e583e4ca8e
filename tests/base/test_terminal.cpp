#include "reel/base/terminal.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "support/temp_folder.h"

using namespace reel;
using reel::testing::Environment;

namespace {

/// A terminal that nobody sees.
class Terminal {
 public:
  Terminal() {
    master_ = ::posix_openpt(O_RDWR | O_NOCTTY);
    if (master_ < 0 || ::grantpt(master_) != 0 || ::unlockpt(master_) != 0) return;
    const int slave = ::open(::ptsname(master_), O_RDWR | O_NOCTTY);
    if (slave >= 0) file_ = ::fdopen(slave, "w");
  }
  ~Terminal() {
    if (file_ != nullptr) std::fclose(file_);
    if (master_ >= 0) ::close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  std::FILE* file() const {
    REQUIRE(file_ != nullptr);
    return file_;
  }
  void set_columns(unsigned short columns) const {
    winsize size{};
    size.ws_col = columns;
    REQUIRE(::ioctl(fileno(file()), TIOCSWINSZ, &size) == 0);
  }

 private:
  int master_ = -1;
  std::FILE* file_ = nullptr;
};

class PlainFile {
 public:
  PlainFile() { REQUIRE(file_ != nullptr); }
  ~PlainFile() { std::fclose(file_); }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  std::FILE* file() const { return file_; }

 private:
  std::FILE* file_ = std::tmpfile();
};

}  // namespace

TEST_CASE("a terminal is one unless it is dumb, a file is none") {
  const Terminal terminal;
  const PlainFile plain;
  const Environment unset("TERM", nullptr);
  CHECK(is_terminal(terminal.file()));
  CHECK_FALSE(is_terminal(plain.file()));
  const Environment usual("TERM", "xterm");
  CHECK(is_terminal(terminal.file()));
  CHECK_FALSE(is_terminal(plain.file()));
  const Environment dumb("TERM", "dumb");
  CHECK_FALSE(is_terminal(terminal.file()));
}

TEST_CASE("a terminal knows its width better than COLUMNS does") {
  const Terminal terminal;
  const Environment columns("COLUMNS", "40");
  CHECK(terminal_width(terminal.file()) == 40);  // it has not been told yet
  terminal.set_columns(132);
  CHECK(terminal_width(terminal.file()) == 132);
  terminal.set_columns(100);
  CHECK(terminal_width(terminal.file()) == 100);
}

TEST_CASE("a width in COLUMNS that is none is ignored") {
  const PlainFile plain;
  for (const char* bad : {"4294967336", "99999999999999999999", "40x", "-40", "0", "", " 40"}) {
    CAPTURE(bad);
    const Environment columns("COLUMNS", bad);
    CHECK(terminal_width(plain.file()) == 80);
  }
  const Environment unset("COLUMNS", nullptr);
  CHECK(terminal_width(plain.file()) == 80);
  const Environment columns("COLUMNS", "40");
  CHECK(terminal_width(plain.file()) == 40);
}

TEST_CASE("NO_COLOR asks for none, unless it is empty") {
  const Terminal terminal;
  const Environment rich("COLORTERM", "truecolor"), term("TERM", "xterm");
  {
    const Environment unset("NO_COLOR", nullptr);
    CHECK_FALSE(no_color());
    CHECK(terminal_colors(terminal.file()) == Colors::truecolor);
  }
  {
    const Environment empty("NO_COLOR", "");
    CHECK_FALSE(no_color());
    CHECK(terminal_colors(terminal.file()) == Colors::truecolor);
  }
  const Environment set("NO_COLOR", "0");  // whatever it says
  CHECK(no_color());
  CHECK(terminal_colors(terminal.file()) == Colors::none);
}

TEST_CASE("colours are those that COLORTERM and TERM speak of, on a terminal") {
  const Terminal terminal;
  const PlainFile plain;
  const Environment allowed("NO_COLOR", nullptr), term("TERM", "xterm-256color");
  const Environment none("COLORTERM", nullptr);
  CHECK(terminal_colors(terminal.file()) == Colors::ansi256);
  CHECK(terminal_colors(plain.file()) == Colors::none);
  {
    const Environment old("TERM", "vt100");
    CHECK(terminal_colors(terminal.file()) == Colors::none);
  }
  for (const char* rich : {"truecolor", "24bit"}) {
    const Environment color("COLORTERM", rich);
    CHECK(terminal_colors(terminal.file()) == Colors::truecolor);
    CHECK(terminal_colors(plain.file()) == Colors::none);
    const Environment dumb("TERM", "dumb");
    CHECK(terminal_colors(terminal.file()) == Colors::none);
  }
}

TEST_CASE("the first variable of the locale that is set says whether text is UTF-8") {
  const Environment all("LC_ALL", nullptr), type("LC_CTYPE", nullptr), lang("LANG", nullptr);
  CHECK_FALSE(utf8_locale());
  const Environment german("LANG", "de_DE.UTF-8");
  CHECK(utf8_locale());
  const Environment latin("LC_CTYPE", "de_DE.ISO-8859-1");
  CHECK_FALSE(utf8_locale());
  const Environment empty("LC_ALL", "");
  CHECK_FALSE(utf8_locale());
  const Environment utf8("LC_ALL", "C.utf8");
  CHECK(utf8_locale());
}
