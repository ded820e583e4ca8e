#include "reel/datasets/csv_dataset.h"

#include <doctest/doctest.h>

#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;
using namespace reel::testing;

TEST_CASE("CsvDataset hands out features and a target") {
  const TempFolder folder;
  const std::string path =
      folder.write("flowers.csv", "a;b;kind;price\n1;2.5;rose;3\n2;0;lily;4.5\n5;1;rose;6\n");
  const ReadCsvOptions csv{.delimiter = ';'};
  const CsvDataset kinds{path, {.target = "kind", .features = {"b", "a"}, .csv = csv}};
  CHECK(kinds.size() == 3);
  CHECK(kinds.feature_names() == std::vector<std::string>{"b", "a"});
  CHECK(kinds.class_names() == std::vector<std::string>{"lily", "rose"});
  const auto [features, kind] = kinds.get(0);
  CHECK(features.dtype() == float32);
  CHECK(features[0].item() == 2.5);
  CHECK(features[1].item() == 1);
  CHECK(kind.item<int>() == 1);
  CHECK(kind.dtype() == int64);
  CHECK(kinds.batch(std::vector<Size>{1, 2})[0].shape() == Shape{2, 2});

  const CsvDataset prices{read_csv(path, csv).drop({"kind"}), {.target = "price"}};
  CHECK(prices.targets().dtype() == float32);
  CHECK(prices.feature_names() == std::vector<std::string>{"a", "b"});
  CHECK(prices.class_names().empty());
}

TEST_CASE("CsvDataset refuses words, missing values and columns that are not there") {
  const Table table = parse_csv("a,b,kind\n1,2,x\n,3,y\n");
  CHECK_ERROR(
      (CsvDataset{table, {.target = "price"}}),
      "[CsvDataset] expected a target that is a column, got \"price\"\nhelp: there are a, b, "
      "kind");
  CHECK_ERROR((CsvDataset{table, {.target = "kind"}}),
              "expected columns without missing values, got 1 missing in \"a\"");
  CHECK_ERROR((CsvDataset{table, {.target = "b", .features = {"kind"}}}),
              "expected columns of numbers, got \"kind\"");
  CHECK_ERROR((CsvDataset{table, {.target = "a", .features = {"b"}}}), "1 missing in \"a\"");
  CHECK_ERROR((CsvDataset{table, {.target = "kind", .features = {"c"}}}), "got \"c\"");
}
