#include "reel/datasets/csv.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "reel/ops/create/create.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;
using reel::testing::content_of;
using reel::testing::TempFolder;

namespace {

using Words = std::vector<std::string>;

Words words_of(const Column& column) {
  Words words;
  for (Size row = 0; row < column.size(); ++row) words.push_back(column.text(row));
  return words;
}

template <class T>
std::vector<T> values_of(const Tensor& t) {
  return std::vector<T>(t.data_ptr<T>(), t.data_ptr<T>() + t.numel());
}

}  // namespace

TEST_CASE("parse_csv finds integers, reals, words and missing values") {
  const Table table = parse_csv(
      "id,score,kind,count\n"
      "1,2.5,cat,7\n"
      "-2,1e-3,dog,\n"
      "3, +4 ,NA,9\n");
  CHECK(table.rows() == 3);
  CHECK(table.names() == Words{"id", "score", "kind", "count"});
  CHECK(values_of<std::int64_t>(table["id"].values()) == std::vector<std::int64_t>{1, -2, 3});
  CHECK(values_of<double>(table["score"].values()) == std::vector<double>{2.5, 1e-3, 4});

  const Column& kind = table["kind"];
  CHECK(kind.is_text());
  CHECK(kind.categories() == Words{"cat", "dog"});
  CHECK(values_of<std::int64_t>(kind.values()) == std::vector<std::int64_t>{0, 1, -1});
  CHECK(kind.is_missing(2));
  CHECK(kind.missing() == 1);

  const Column& count = table["count"];
  REQUIRE(count.values().dtype() == float64);
  CHECK(values_of<double>(count.values())[0] == 7);
  CHECK(std::isnan(values_of<double>(count.values())[1]));
  CHECK(count.missing() == 1);
}

TEST_CASE("parse_csv reads quotes as RFC 4180 has them, and every line end") {
  for (const std::string& end : {std::string("\n"), std::string("\r\n"), std::string("\r")}) {
    for (const std::string& last : {std::string(), end}) {
      CAPTURE(end.size());
      const Table table = parse_csv("a,\"b \"\"q\"\"\"" + end + "\"x,y\",\"two" + end + "lines\"" +
                                    end + end + "\"\"\"\",z\"z" + last);
      CHECK(table.names() == Words{"a", "b \"q\""});
      CHECK(words_of(table[0]) == Words{"x,y", "\""});
      CHECK(words_of(table[1]) == Words{"two" + end + "lines", "z\"z"});
    }
  }
}

TEST_CASE(
    "parse_csv takes other delimiters, no header, names, lines to skip and a byte order mark") {
  CHECK(parse_csv("a;b\n1,5;2\n", {.delimiter = ';'})["a"].text(0) == "1,5");
  CHECK(parse_csv("1\t2\n", {.delimiter = '\t', .header = false}).names() == Words{"0", "1"});
  CHECK(parse_csv("a,b\n1,2\n", {.names = {"x", "y"}}).names() == Words{"x", "y"});
  CHECK(parse_csv("1,2\n", {.header = false, .names = {"x", "y"}}).rows() == 1);
  CHECK(parse_csv("150,4,setosa\n1,2\n", {.header = false, .skip_rows = 1}).rows() == 1);
  CHECK(parse_csv("\xef\xbb\xbfx\n1\n").names() == Words{"x"});
  CHECK(parse_csv(",a\n0,1\n").names() == Words{"Unnamed: 0", "a"});
  CHECK(parse_csv("a,b\n").rows() == 0);
  CHECK(parse_csv("a,\n1,").names() == Words{"a", "Unnamed: 1"});
}

TEST_CASE("parse_csv keeps columns as words when told to, and other words as missing") {
  const Table kept = parse_csv("zip,n\n00501,1\n,2\n", {.text = {"zip"}});
  CHECK(kept["zip"].is_text());
  CHECK(kept["zip"].text(0) == "00501");
  CHECK(kept["zip"].is_missing(1));
  const Table table = parse_csv("n,w\n-999,\n4,NA\n", {.missing = {"-999"}});
  CHECK(table["n"].missing() == 1);
  CHECK(words_of(table["w"]) == Words{"", "NA"});
  CHECK(table["w"].missing() == 0);
  CHECK(parse_csv("n\nNA\n").names() == Words{"n"});
  CHECK(parse_csv("n\nNA\n")["n"].values().dtype() == float64);
}

TEST_CASE("parse_csv reads numbers to the last bit, and says which words are none") {
  const auto real = [](const std::string& text) {
    return parse_csv(text, {.header = false})[0].values().item<double>();
  };
  CHECK(real("0.1") == 0.1);
  CHECK(real("179769313486231570000e288") == std::numeric_limits<double>::max());
  CHECK(real("-inf") == -HUGE_VAL);
  CHECK(real("9223372036854775808") == 9223372036854775808.0);
  CHECK(real("1e999") == HUGE_VAL);
  CHECK(real("-1e999") == -HUGE_VAL);
  CHECK(real("1e-999") == 0);
  CHECK(real("0." + std::string(400, '0') + "1") == 0);
  CHECK(real("1" + std::string(400, '0')) == HUGE_VAL);
  CHECK(parse_csv("9223372036854775807", {.header = false})[0].values().item<std::int64_t>() ==
        std::numeric_limits<std::int64_t>::max());
  for (const char* word : {"1.2.3", "1e", "--1", "+-1", "0x10", "1 2", "nan(1)", "-", "+", "1,5"}) {
    CAPTURE(word);
    CHECK(parse_csv(word, {.delimiter = ';', .header = false})[0].is_text());
  }
}

TEST_CASE("parse_csv says file, line and offset of what is wrong") {
  CHECK_ERROR(parse_csv("a,b\n1,2\n1\n", {}, "x.csv"),
              "[read_csv] expected 2 fields, as in the first row, got 1 (x.csv, line 3, offset 8)");
  CHECK_ERROR(parse_csv("a\r\n1,2\r\n"), "got 2 (text, line 2, offset 3)");
  CHECK_ERROR(parse_csv("a\n\"1\n2"),
              "[read_csv] expected a closing quote, got the end of the file after the quote (text, "
              "line 2, offset 2)");
  CHECK_ERROR(parse_csv("a\n\"1\"2\n"),
              "expected ',' or a line end after the closing quote, got other text (text, line 2, "
              "offset 5)");
  CHECK_ERROR(parse_csv(std::string_view("a\n\0", 3)),
              "expected text in UTF-8, got a byte of value 0 (text, line 2, offset 2)");
  CHECK_ERROR(parse_csv(""), "expected at least one row, got none (text, line 1, offset 0)");
  CHECK_ERROR(parse_csv("\n\r\n"), "expected at least one row, got none");
  CHECK_ERROR(parse_csv("a\n", {.skip_rows = 5}), "expected at least one row, got none");
  CHECK_ERROR(parse_csv("a,b,a\n"), "expected columns of different names, got \"a\" twice");
  CHECK_ERROR(parse_csv("a,b\n", {.names = {"x"}}),
              "expected as many names as columns, got 1 names for 2 columns");
  CHECK_ERROR(parse_csv("a,b\n", {.text = {"x"}}), "got \"x\" (text)");
  CHECK_ERROR(parse_csv("a", {.delimiter = '"'}),
              "expected a delimiter that is no quote, line end or byte of value 0, got code 34");
  CHECK_ERROR(parse_csv("a", {.skip_rows = -1}), "expected skip_rows >= 0, got -1");
  CHECK_ERROR(read_csv("/nowhere/x.csv"), "[read_csv] expected a readable file");
}

TEST_CASE("parse_csv refuses a million columns") {
  CHECK_ERROR(parse_csv(std::string(1000000, ',')),
              "expected at most 100000 columns, got more (text, line 1, offset 100000)");
  CHECK(parse_csv(std::string(99999, ','), {.header = false}).columns().size() == 100000);
}

TEST_CASE("what write_csv writes, read_csv reads as the same") {
  const TempFolder folder;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Table table({{"n", tensor({1, -2, 3})},
                     {"x", tensor({0.1, nan, 1e300}, {.dtype = float64})},
                     {"whole", tensor({1.0, -0.0, 3.0}, {.dtype = float64})},
                     {"say \"hi\", or\nnot", Words{"a,b", "", "\"\r\n"}, Words{""}}});
  for (const char delimiter : {',', ';'}) {
    const std::string path = folder / "table.csv";
    write_csv(path, table, {.delimiter = delimiter});
    const Table again = read_csv(path, {.delimiter = delimiter});
    REQUIRE(again.names() == table.names());
    for (Size i = 0; i < 4; ++i) {
      CHECK(again[i].values().dtype() == table[i].values().dtype());
      CHECK(words_of(again[i]) == words_of(table[i]));
    }
  }
  write_csv(folder / "plain", table.select({"n", "x"}), {.header = false});
  CHECK(content_of(folder / "plain") == "1,0.1\n-2,\n3,1e+300\n");
  write_csv(folder / "mark", Table({{"\xef\xbb\xbfx", tensor({1})}}));
  CHECK(read_csv(folder / "mark").names() == Words{"\xef\xbb\xbfx"});
  // Nor is a table taken for a compressed file, whose first two bytes are the mark.
  write_csv(folder / "gzip", Table({{"\x1f\x8b", tensor({1})}}));
  CHECK(read_csv(folder / "gzip").names() == Words{"\x1f\x8b"});
  write_csv(folder / "gzip", Table({{"\x1f", tensor({1})}, {"x", tensor({2})}}),
            {.delimiter = '\x8b'});
  CHECK(read_csv(folder / "gzip", {.delimiter = '\x8b'}).names() == Words{"\x1f", "x"});
  // One column of missing values is no file of empty lines.
  write_csv(folder / "one", table.select({"x"}));
  CHECK(read_csv(folder / "one").rows() == 3);
  CHECK_ERROR(write_csv(folder / "x", Table({})), "[write_csv] expected a table with columns");
}

TEST_CASE("tables give columns, rows and tensors") {
  const Table table = parse_csv("a,b,kind\n1,0.5,x\n2,,y\n3,2.5,x\n");
  CHECK(table.contains("a"));
  CHECK(!table.contains("z"));
  CHECK(table.drop({"b"}).names() == Words{"a", "kind"});
  CHECK(table.select({"kind", "a"}).names() == Words{"kind", "a"});

  const Tensor numbers = table.to_tensor({"b", "a"});
  CHECK(numbers.dtype() == float32);
  REQUIRE(numbers.shape() == Shape{3, 2});
  CHECK(values_of<float>(numbers)[1] == 1);
  CHECK(std::isnan(values_of<float>(numbers)[2]));
  CHECK(values_of<float>(numbers)[4] == 2.5);
  CHECK(table.drop({"kind"}).to_tensor(float64).shape() == Shape{3, 2});

  const std::vector<Size> rows{2, 0, 2};
  const Table some = table.take(rows);
  CHECK(words_of(some["a"]) == Words{"3", "1", "3"});
  CHECK(some["kind"].categories() == Words{"x", "y"});

  CHECK_ERROR(table["c"],
              "[Table] expected the name of a column, got \"c\"\nhelp: there are a, b, "
              "kind");
  CHECK_ERROR(table[3], "[Table] expected an index in [0, 3), got 3");
  CHECK_ERROR(table.select({"q"}), "[select] expected the name of a column, got \"q\"");
  CHECK_ERROR(table.to_tensor(),
              "[to_tensor] expected columns of numbers, got \"kind\" with words such as \"x\"");
  CHECK_ERROR(table.to_tensor({"a"}, int64), "expected dtype float32 or float64");
  CHECK_ERROR(table.take(std::vector<Size>{3}), "expected an index in [0, 3), got 3");
  CHECK_ERROR(table["a"].text(-1), "expected an index in [0, 3), got -1");
}

TEST_CASE("columns and tables refuse what does not fit") {
  CHECK_ERROR((Table({{"a", tensor({1, 2})}, {"b", tensor({1})}})),
              "expected columns of equal length, got 2 rows of \"a\" and 1 of \"b\"");
  CHECK_ERROR((Table({{"a", tensor({1})}, {"a", tensor({1})}})), "got \"a\" twice");
  CHECK_ERROR((Column("a", ones({2, 2}))),
              "expected values of shape [N] for column \"a\", got "
              "[2, 2]");
  CHECK_ERROR((Column("a", tensor({0, 2}), {"x", "y"})),
              "expected codes in [-1, 2) for column \"a\", got 2 at row 1");
  CHECK_ERROR((Column("a", tensor({0}), {"x", "x"})), "expected distinct categories");
  CHECK_ERROR((Column("a", tensor({0.0}), {"x"})), "expected integers as codes of column \"a\"");
  CHECK(Column("a", tensor({true, false})).values().dtype() == int64);
  CHECK(Column("a", tensor({1}), {"x", "y"}).renamed("b").text(0) == "y");
}
