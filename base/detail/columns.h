#pragma once

// Internal: text measured in the columns of a terminal.

#include <string>
#include <string_view>

namespace reel::detail {

/// Columns of UTF-8 text whose characters are one column wide; colours take none.
inline int columns(std::string_view text) {
  int count = 0;
  bool in_escape = false;
  for (const char c : text) {
    in_escape = in_escape || c == '\x1b';
    const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
    if (!in_escape && !continues) ++count;
    if (c == 'm') in_escape = false;
  }
  return count;
}

/// The start of a text without colours, in at most `width` columns.
inline std::string cut(std::string text, int width) {
  while (columns(text) > width) text.pop_back();  // to the first byte of a character, which counts
  return text;
}

}  // namespace reel::detail
