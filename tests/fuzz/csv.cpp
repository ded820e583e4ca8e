// parse_csv over any bytes: a table or an Error, and what was read is written and read again. The
// first byte says how it is read.

#include "reel/datasets/csv.h"

#include <cstring>
#include <optional>
#include <string>

#include "fuzz/byte_reader.h"
#include "fuzz/demand.h"
#include "fuzz/memory_file.h"
#include "reel/base/error.h"

using namespace reel;
using reel::datasets::Table;

namespace {

std::optional<Table> parse(const std::string& text, const datasets::ReadCsvOptions& options) {
  try {
    return datasets::parse_csv(text, options);
  } catch (const Error& error) {
    DEMAND(std::strncmp(error.what(), "[read_csv] expected ", 20) == 0);
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const reel::testing::MemoryFile file;
  reel::testing::ByteReader input(data, size);
  const std::size_t how = input.below(12);
  datasets::ReadCsvOptions options{.delimiter = ",;\t "[how % 4], .header = how / 4 != 1};
  options.skip_rows = how / 4 == 2 ? 1 : 0;
  const std::optional<Table> table = parse(input.text(input.left()), options);
  if (!table) return 0;

  file.clear();
  datasets::write_csv(file.path(), *table, {.delimiter = options.delimiter});
  options.header = true;
  options.skip_rows = 0;
  for (const datasets::Column& column : table->columns()) {
    if (column.is_text()) options.text.push_back(column.name());
  }
  const Table again = datasets::read_csv(file.path(), options);
  DEMAND(again.names() == table->names() && again.rows() == table->rows());
  for (Size i = 0; i < static_cast<Size>(table->columns().size()); ++i) {
    const datasets::Column &before = (*table)[i], &after = again[i];
    DEMAND(before.is_text() == after.is_text() && before.categories() == after.categories());
    DEMAND(before.values().dtype() == after.values().dtype());
    for (Size row = 0; row < table->rows(); ++row) {
      DEMAND(before.is_missing(row) == after.is_missing(row));
      DEMAND(before.text(row) == after.text(row));
    }
  }
  return 0;
}
