#pragma once

/// @file
/// What the terminal that a program writes to can show.
///
/// Everything that prints for people asks here, so that all of it keeps to the same conventions:
/// `NO_COLOR`, `TERM`, `COLORTERM`, `COLUMNS` and the variables of the locale. Each call looks
/// anew. Where there are no POSIX terminals, no stream is one.

#include <cstdio>

#include "reel/base/export.h"

namespace reel {

/// The colours of a terminal.
enum class Colors {
  none,       ///< those it writes in; for files and plain terminals
  ansi256,    ///< 256, with 24 greys among them
  truecolor,  ///< every red, green and blue of 8 bits
};

/// Whether a line that was written to `out` can be written over: whether it is a terminal, and
/// `TERM` is not `dumb`.
REEL_API bool is_terminal(std::FILE* out = stdout);

/// Columns of the terminal that `out` is: what it says itself, else `COLUMNS` if that is a number
/// above 0, else 80.
REEL_API int terminal_width(std::FILE* out = stdout);

/// Whether the user asks for no colours anywhere: whether `NO_COLOR` is set and not empty
/// (https://no-color.org).
REEL_API bool no_color();

/// The colours that `out` can show: `none` unless it is a terminal, or where `no_color()`; else
/// what `COLORTERM` and `TERM` say.
REEL_API Colors terminal_colors(std::FILE* out = stdout);

/// Whether text for people may use more than ASCII: whether `LC_ALL`, `LC_CTYPE` or `LANG`, the
/// first that is set, asks for UTF-8. Read from the environment, as a library must not call
/// setlocale for its user and without that call every program's locale is C; and by its name, as
/// containers often ask for a locale that they have not installed.
REEL_API bool utf8_locale();

}  // namespace reel
