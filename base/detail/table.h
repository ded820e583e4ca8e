#pragma once

// Internal: tables of text for a terminal, and numbers in them.

#include <array>
#include <initializer_list>
#include <string>
#include <vector>

#include "reel/base/dtype.h"
#include "reel/base/export.h"

namespace reel::detail {

/// "1,234,567".
REEL_API std::string with_commas(Size number);

/// "12 bytes", "1.5 KiB", "2.0 MiB".
REEL_API std::string readable_bytes(Size bytes);

/// A table of texts, as wide as they are unless it has to be narrower.
class REEL_API Table {
 public:
  explicit Table(std::vector<std::array<std::string, 4>> lines);

  /// Cuts the columns, in the order given, until the lines have `width` or each has few left.
  void fit(Size width, std::initializer_list<std::size_t> order);

  /// The last column is flush right; one that is empty takes no room.
  std::string text() const;

 private:
  Size width() const;

  std::vector<std::array<std::string, 4>> lines_;
  std::array<int, 4> widths_{};
};

}  // namespace reel::detail
