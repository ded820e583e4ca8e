#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reel/datasets/table.h"

namespace reel::datasets {

/// How `read_csv` reads.
struct ReadCsvOptions {
  /// Between fields: ',' or ';', a tab, '|' and so on; no quote and no line end.
  char delimiter = ',';
  /// Whether the first row names the columns.
  bool header = true;
  /// Lines that are left out at the beginning, whatever they hold.
  Size skip_rows = 0;
  /// The names of the columns, in place of the header's. Without either they are "0", "1", ...
  std::vector<std::string> names = {};
  /// Fields that stand for a missing value.
  std::vector<std::string> missing = {"", "NA", "N/A", "NaN", "nan", "NULL", "null", "?"};
  /// Columns that are kept as words whatever they hold, as "00501" is a postcode and no number.
  std::vector<std::string> text = {};
  /// More columns than this are refused: they are a wrong delimiter or a hostile file.
  Size max_columns = 100000;
};

/// Reads a table from comma-separated values as RFC 4180 has them, in UTF-8: fields may stand in
/// double quotes and then hold delimiters, line ends and, doubled, quotes. Lines end in LF, CRLF or
/// CR; empty ones are left out. A file compressed by gzip is decompressed on the way.
///
/// What a column holds is found: int64 where all fields are integers, else float64 where all are
/// numbers (`1e-3`, `+5`, `inf`, spaces around them) or missing, else words. A column of integers
/// with missing values is float64, its missing values NaN. A column of nothing but missing values
/// is float64. Follows `pandas.read_csv`.
///
/// **Example**
/// ```cpp
/// const Table wine = read_csv("winequality-red.csv", {.delimiter = ';'});
/// Tensor features = wine.drop({"quality"}).to_tensor(), quality = wine["quality"].values();
/// ```
/// Throws `Error`, as in `[read_csv] expected 12 fields, as in the first row, got 11 (file, line
/// 17, offset 1034)`, for rows of different length, quotes that do not end, bytes of value 0, and
/// names that are not as many as columns, or not distinct.
REEL_API Table read_csv(const std::string& path, const ReadCsvOptions& options = {});

/// The same of a text in memory; `name` stands for the file in errors.
REEL_API Table parse_csv(std::string_view text, const ReadCsvOptions& options = {},
                         const std::string& name = "text");

/// How `write_csv` writes.
struct WriteCsvOptions {
  char delimiter = ',';  ///< between fields; no quote and no line end
  bool header = true;    ///< whether the first row names the columns
};

/// Writes a table as comma-separated values that `read_csv` reads as the same: numbers in the
/// fewest digits that read as the same number, missing values as empty fields, quotes around fields
/// that need them, lines ended by LF. The file is written beside and renamed.
///
/// Words that look like numbers or like missing values come back as these, unless named in
/// `ReadCsvOptions::text`. Throws `Error` for a table without columns and a file that cannot be
/// written.
REEL_API void write_csv(const std::string& path, const Table& table,
                        const WriteCsvOptions& options = {});

}  // namespace reel::datasets
