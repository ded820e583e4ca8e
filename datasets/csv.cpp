#include "reel/datasets/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

#include "reel/base/detail/file.h"
#include "reel/base/fail.h"
#include "reel/datasets/detail/whole_file.h"

namespace reel::datasets {
namespace {

constexpr const char* reading = "read_csv";
constexpr const char* writing = "write_csv";
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
constexpr char gzip_begin = '\x1f';
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// Fields hold no byte of value 0, so that no word of a file is this.
const std::string missing_word(1, '\0');

void check_delimiter(const char* op, char delimiter) {
  check(std::strchr("\"\r\n", delimiter) == nullptr, op,
        "expected a delimiter that is no quote, line end or byte of value 0, got code {}",
        static_cast<int>(static_cast<unsigned char>(delimiter)));
}

/// A text and the name it goes by in errors.
struct Source {
  std::string_view text;
  const std::string& name;

  std::string where(std::size_t offset) const {
    // As an editor counts: CRLF ends one line.
    std::size_t line = 1;
    for (std::size_t i = 0; i < offset; ++i) {
      const bool crlf = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
      line += (text[i] == '\n' || text[i] == '\r') && !crlf ? 1 : 0;
    }
    return fmt::format("({}, line {}, offset {})", name, line, offset);
  }
};

struct Field {
  std::string_view text;  // until the next field is read
  std::size_t offset = 0;
  bool ends_row = false;
};

/// Takes a text apart into fields.
class Scanner {
 public:
  Scanner(const Source& source, char delimiter, std::size_t begin)
      : source_(source), text_(source.text), delimiter_(delimiter), at_(begin) {}

  /// Goes to the next row that is not empty; false where the text ends before one.
  bool next_row() {
    while (at_ < text_.size() && is_line_end(text_[at_])) ++at_;
    return at_ < text_.size();
  }

  Field next_field() {
    const std::size_t begin = at_;
    const std::string_view field = at_ < text_.size() && text_[at_] == '"' ? quoted() : plain();
    const bool ends_row = at_ == text_.size() || text_[at_] != delimiter_;
    if (at_ < text_.size()) ++at_;  // of CRLF the LF goes with empty rows
    return {field, begin, ends_row};
  }

  std::size_t offset() const { return at_; }

 private:
  static bool is_line_end(char c) { return c == '\n' || c == '\r'; }
  bool ends_field(char c) const { return c == delimiter_ || is_line_end(c); }

  std::string_view plain() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && !ends_field(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  std::string_view quoted() {
    const std::size_t open = at_++;
    std::size_t begin = at_;
    unescaped_.clear();
    for (;;) {
      const std::size_t quote = text_.find('"', at_);
      check(quote != std::string_view::npos, reading,
            "expected a closing quote, got the end of the file after the quote {}",
            source_.where(open));
      at_ = quote + 1;
      if (at_ == text_.size() || text_[at_] != '"') break;
      unescaped_ += text_.substr(begin, at_ - begin);  // with one of the two quotes
      begin = ++at_;
    }
    check(at_ == text_.size() || ends_field(text_[at_]), reading,
          "expected '{}' or a line end after the closing quote, got other text {}", delimiter_,
          source_.where(at_));
    const std::string_view last = text_.substr(begin, at_ - 1 - begin);
    if (unescaped_.empty()) return last;
    unescaped_ += last;
    return unescaped_;
  }

  const Source& source_;
  std::string_view text_;
  char delimiter_;
  std::size_t at_;
  std::string unescaped_;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::int64_t> as_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// What lies beyond the range of float64 is 0 or infinite, as `strtod` has it.
double out_of_range(std::string_view text) {
  const double sign = text.front() == '-' ? -1 : 1;
  if (text.front() == '-') text.remove_prefix(1);
  const std::size_t exponent = text.find_first_of("eE");
  const bool tiny = exponent != std::string_view::npos ? text[exponent + 1] == '-'
                                                       : text.front() == '0' || text.front() == '.';
  return sign * (tiny ? 0.0 : std::numeric_limits<double>::infinity());
}

std::optional<double> as_real(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // Of NaNs only missing values are any, and those were asked for before.
  if (error == std::errc::invalid_argument || end != text.data() + text.size() || value != value) {
    return std::nullopt;
  }
  return error == std::errc() ? value : out_of_range(text);
}

/// The fields that stand for a missing value.
class Missing {
 public:
  explicit Missing(const std::vector<std::string>& words) : words_(words) {
    for (const std::string& word : words) {
      if (!word.empty()) begins_[static_cast<unsigned char>(word[0])] = true;
      empty_ = empty_ || word.empty();
    }
  }

  bool has(std::string_view field) const {
    if (field.empty()) return empty_;
    return begins_[static_cast<unsigned char>(field[0])] &&
           std::find(words_.begin(), words_.end(), field) != words_.end();
  }

 private:
  const std::vector<std::string>& words_;
  std::array<bool, 256> begins_{};  // so that numbers are not compared with each word
  bool empty_ = false;
};

/// A column while its fields are read: integers until another field comes, then reals, then words.
/// Words are not kept: they are read once more when it is known which columns have any.
struct Builder {
  enum Kind { integers, reals, words } kind = integers;
  std::vector<std::int64_t> integer;
  std::vector<double> real;

  void add(std::string_view field, const Missing& missing) {
    if (kind == words) return;
    std::string_view number = trimmed(field);
    if (missing.has(number)) {
      to_reals();
      real.push_back(nan);
      return;
    }
    if (number.size() > 1 && number[0] == '+' && number[1] != '-') number.remove_prefix(1);
    if (kind == integers) {
      if (const auto value = as_integer(number)) {
        integer.push_back(*value);
        return;
      }
    }
    if (const auto value = as_real(number)) {
      to_reals();
      real.push_back(*value);
    } else {
      to_words();
    }
  }

  void to_words() {
    kind = words;
    integer = {};
    real = {};
  }

  Column column(std::string name) const {
    const auto count = static_cast<Size>(kind == integers ? integer.size() : real.size());
    const bool whole = kind == integers && count > 0;
    const Tensor values = empty(count, {.dtype = whole ? int64 : float64});
    if (whole) {
      std::copy(integer.begin(), integer.end(), values.data_ptr<std::int64_t>());
    } else {
      std::copy(real.begin(), real.end(), values.data_ptr<double>());
    }
    return {std::move(name), values};
  }

 private:
  void to_reals() {
    if (kind != integers) return;
    kind = reals;
    real.assign(integer.begin(), integer.end());
    integer = {};
  }
};

class Reader {
 public:
  Reader(const Source& source, const ReadCsvOptions& options)
      : source_(source), options_(options), missing_(options.missing) {}

  Table read() {
    check_delimiter(reading, options_.delimiter);
    check(options_.skip_rows >= 0, reading, "expected skip_rows >= 0, got {}", options_.skip_rows);
    const std::size_t zero = source_.text.find('\0');
    if (zero != std::string_view::npos) {
      fail(reading, "expected text in UTF-8, got a byte of value 0 {}", source_.where(zero));
    }
    Scanner scanner(source_, options_.delimiter, begin_of_table());
    if (!scanner.next_row()) {
      fail(reading, "expected at least one row, got none {}", source_.where(scanner.offset()));
    }
    first_row_ = scanner.offset();
    std::vector<std::string> names = names_from(scanner);
    std::vector<Builder> builders(names.size());
    for (const std::string& name : options_.text) {
      const auto at = std::find(names.begin(), names.end(), name);
      check(at != names.end(), reading,
            "expected columns of text that the file has, got \"{}\" ({})", name, source_.name);
      builders[static_cast<std::size_t>(at - names.begin())].to_words();
    }

    const std::size_t begin = options_.header ? scanner.offset() : first_row_;
    for_each_field(begin, names.size(), [&](std::size_t place, std::string_view field) {
      builders[place].add(field, missing_);
    });
    const std::vector<std::vector<std::string>> words = words_of(builders, begin);
    std::vector<Column> columns;
    columns.reserve(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (builders[i].kind == Builder::words) {
        columns.emplace_back(std::move(names[i]), words[i],
                             std::span<const std::string>(&missing_word, 1));
      } else {
        columns.push_back(builders[i].column(std::move(names[i])));
        builders[i] = {};
      }
    }
    return Table(std::move(columns));
  }

 private:
  std::size_t begin_of_table() const {
    std::size_t at = source_.text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
    for (Size i = 0; i < options_.skip_rows; ++i) {
      at = source_.text.find('\n', at);
      if (at == std::string_view::npos) return source_.text.size();
      ++at;
    }
    return at;
  }

  /// The names of the columns, of which the first row has one a field.
  std::vector<std::string> names_from(Scanner& scanner) const {
    std::vector<std::string> names;
    for (bool more = true; more;) {
      const Field field = scanner.next_field();
      const std::size_t place = names.size();
      check(static_cast<Size>(place) < options_.max_columns, reading,
            "expected at most {} columns, got more {}\nhelp: set delimiter, or max_columns",
            options_.max_columns, source_.where(field.offset));
      if (!options_.header) {
        names.push_back(std::to_string(place));
      } else {
        // As pandas has it, whose own files have an index without a name.
        names.push_back(field.text.empty() ? fmt::format("Unnamed: {}", place)
                                           : std::string(field.text));
      }
      more = !field.ends_row;
    }
    if (!options_.names.empty()) {
      check(options_.names.size() == names.size(), reading,
            "expected as many names as columns, got {} names for {} columns {}",
            options_.names.size(), names.size(), source_.where(first_row_));
      names = options_.names;
    }
    std::vector<std::string_view> sorted(names.begin(), names.end());
    std::sort(sorted.begin(), sorted.end());
    const auto twin = std::adjacent_find(sorted.begin(), sorted.end());
    if (twin != sorted.end()) {
      fail(reading, "expected columns of different names, got \"{}\" twice {}", *twin,
           source_.where(first_row_));
    }
    return names;
  }

  void for_each_field(std::size_t begin, std::size_t columns, auto&& f) const {
    Scanner scanner(source_, options_.delimiter, begin);
    while (scanner.next_row()) {
      const std::size_t row = scanner.offset();
      std::size_t place = 0;
      for (bool more = true; more; ++place) {
        const Field field = scanner.next_field();
        more = !field.ends_row;
        if (place < columns) f(place, field.text);
      }
      if (place != columns) [[unlikely]] {
        fail(reading, "expected {} fields, as in the first row, got {} {}", columns, place,
             source_.where(row));
      }
    }
  }

  /// The fields of the columns that hold words.
  std::vector<std::vector<std::string>> words_of(const std::vector<Builder>& builders,
                                                 std::size_t begin) const {
    std::vector<std::vector<std::string>> words(builders.size());
    const bool any = std::any_of(builders.begin(), builders.end(), [](const Builder& builder) {
      return builder.kind == Builder::words;
    });
    if (!any) return words;
    for_each_field(begin, builders.size(), [&](std::size_t place, std::string_view field) {
      if (builders[place].kind != Builder::words) return;
      words[place].push_back(missing_.has(trimmed(field)) ? missing_word : std::string(field));
    });
    return words;
  }

  const Source& source_;
  const ReadCsvOptions& options_;
  Missing missing_;
  std::size_t first_row_ = 0;
};

class Writer {
 public:
  Writer(const std::string& path, char delimiter) : file_(writing, path), special_("\"\r\n") {
    special_ += delimiter;
    delimiter_ = delimiter;
  }

  void field(const std::string& text, bool first, bool only) {
    if (!first) file_.write(&delimiter_, 1);
    // A row of one empty field would be an empty line, which stands for no row; a file that begins
    // as these do would be taken for one with a byte order mark, or for a compressed one.
    const bool quotes = text.find_first_of(special_) != std::string::npos ||
                        text.starts_with(byte_order_mark) || text.starts_with(gzip_begin) ||
                        (only && text.empty());
    if (!quotes) {
      file_.write(text.data(), text.size());
      return;
    }
    std::string quoted = "\"";
    for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
    quoted += '"';
    file_.write(quoted.data(), quoted.size());
  }
  void end_row() { file_.write("\n", 1); }
  void commit() { file_.commit(); }

 private:
  reel::detail::OutputFile file_;
  std::string special_;
  char delimiter_;
};

}  // namespace

Table parse_csv(std::string_view text, const ReadCsvOptions& options, const std::string& name) {
  const Source source{text, name};
  return Reader(source, options).read();
}

Table read_csv(const std::string& path, const ReadCsvOptions& options) {
  return parse_csv(detail::whole_file(reading, path), options, path);
}

void write_csv(const std::string& path, const Table& table, const WriteCsvOptions& options) {
  check_delimiter(writing, options.delimiter);
  const std::vector<Column>& columns = table.columns();
  check(!columns.empty(), writing, "expected a table with columns, got none");
  const bool only = columns.size() == 1;
  Writer writer(path, options.delimiter);
  if (options.header) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      writer.field(columns[i].name(), i == 0, only);
    }
    writer.end_row();
  }
  for (Size row = 0; row < table.rows(); ++row) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      writer.field(columns[i].text(row), i == 0, only);
    }
    writer.end_row();
  }
  writer.commit();
}

}  // namespace reel::datasets
