#include "reel/datasets/preprocessing.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "reel/datasets/csv.h"
#include "reel/ops/create/create.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;
using namespace reel::testing;

namespace {

constexpr double blank = std::numeric_limits<double>::quiet_NaN();

/// Equal to within a few roundings; NaN where NaN is expected.
void check_values(const Tensor& t, const std::vector<double>& expected, double epsilon = 1e-12) {
  const Tensor values = t.to(float64).contiguous();
  REQUIRE(values.numel() == static_cast<Size>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    const double value = values.data_ptr<double>()[i];
    if (std::isnan(expected[i])) {
      CHECK(std::isnan(value));
    } else {
      CHECK(value == doctest::Approx(expected[i]).epsilon(epsilon));
    }
  }
}

/// Three columns: numbers with one missing, a constant, and a wild value.
Tensor train() {
  return tensor({{1.0, 5.0, 1.0}, {2.0, 5.0, 2.0}, {blank, 5.0, 3.0}, {6.0, 5.0, 100.0}},
                {.dtype = float64});
}
Tensor rows() { return tensor({{3.0, 6.0, 2.5}, {blank, 5.0, 200.0}}, {.dtype = float64}); }

}  // namespace

// Expected values: scikit-learn's, as in StandardScaler().fit(train).transform(rows).

TEST_CASE("StandardScaler scales new rows by means and deviations of the fit") {
  const StandardScaler scaler(train());
  check_values(scaler.mean(), {3, 5, 26.5});
  check_values(scaler.scale(),
               {std::sqrt(14.0 / 3), 1,
                std::sqrt((25.5 * 25.5 + 24.5 * 24.5 + 23.5 * 23.5 + 73.5 * 73.5) / 4)});
  const Tensor x = scaler(rows());
  check_values(x,
               {0, 1, -24 / scaler.scale()[2].item(), blank, 0, 173.5 / scaler.scale()[2].item()});
  check_values(scaler.inverse(x), {3, 6, 2.5, blank, 5, 200});
  CHECK(scaler(rows().to(float32)).dtype() == float32);
}

TEST_CASE("MinMaxScaler stretches columns to a range, and clips where told to") {
  const MinMaxScaler scaler(train());
  check_values(scaler(rows()), {0.4, 1, 1.5 / 99, blank, 0, 199.0 / 99});
  check_values(scaler.inverse(scaler(rows())), {3, 6, 2.5, blank, 5, 200});
  const MinMaxScaler wide(train(), {.min = -1, .max = 1, .clip = true});
  check_values(wide(rows()), {-0.2, 1, 3.0 / 99 - 1, blank, -1, 1});
}

TEST_CASE("RobustScaler goes by the median and percentiles") {
  const RobustScaler scaler(train());
  // Of 1, 2, 6: 1.5 and 4; of 1, 2, 3, 100: 1.75 and 27.25.
  check_values(scaler(rows()), {0.4, 1, 0, blank, 0, 197.5 / 25.5});
  check_values(scaler.inverse(scaler(rows())), {3, 6, 2.5, blank, 5, 200});
  check_values(RobustScaler(train(), {.low = 0, .high = 100})(rows()),
               {0.2, 1, 0, blank, 0, 197.5 / 99});
}

TEST_CASE("a column that differs by rounding only counts as constant") {
  const Tensor x = tensor({{0.1 + 0.2}, {0.3}}, {.dtype = float64});
  check_values(StandardScaler(x).scale(), {1});
  check_values(MinMaxScaler(x)(x), {0, 0}, 1e-9);
}

TEST_CASE("SimpleImputer fills missing values by what the fit says") {
  const Tensor fit =
      tensor({{1.0, 7.0}, {blank, 2.0}, {4.0, 2.0}, {1.0, blank}, {10.0, 7.0}}, {.dtype = float64});
  const Tensor x = tensor({{blank, 0.0}, {5.0, blank}}, {.dtype = float64});
  check_values(SimpleImputer(fit)(x), {4, 0, 5, 4.5});
  check_values(SimpleImputer(fit, {.fill = Fill::median})(x), {2.5, 0, 5, 4.5});
  check_values(SimpleImputer(fit, {.fill = Fill::most_frequent})(x), {1, 0, 5, 2});
  check_values(SimpleImputer(fit, {.fill = Fill::constant, .constant = -1})(x), {-1, 0, 5, -1});
  check_values(SimpleImputer(fit).values(), {4, 4.5});
  CHECK(SimpleImputer(fit)(x.to(float32)).dtype() == float32);
  const Tensor empty_column = tensor({{1.0, blank}}, {.dtype = float64});
  CHECK_ERROR(SimpleImputer(empty_column),
              "[SimpleImputer] expected a value in every column, got nothing but missing ones in "
              "column 1");
  check_values(SimpleImputer(empty_column, {.fill = Fill::constant})(empty_column), {1, 0});
}

TEST_CASE("scalers and imputers refuse other features than those of the fit") {
  CHECK_ERROR(StandardScaler(ones({3})),
              "[StandardScaler] expected floating features [N, F], got "
              "float32 [3]");
  CHECK_ERROR(StandardScaler(arange(4).view({2, 2})), "got int64 [2, 2]");
  CHECK_ERROR(MinMaxScaler(ones({0, 2})),
              "[MinMaxScaler] expected at least one row to fit, got [0, 2]");
  CHECK_ERROR(RobustScaler(ones({3, 2}))(ones({3, 1})),
              "[RobustScaler] expected 2 features, as in the fit, got [3, 1]");
  CHECK_ERROR(SimpleImputer(ones({3, 2}))(ones({3, 1})), "[SimpleImputer] expected 2 features");
  CHECK_ERROR(MinMaxScaler(ones({3, 2}), {.min = 1, .max = 1}), "expected min < max, got 1 and 1");
  CHECK_ERROR(RobustScaler(ones({3, 2}), {.low = 50, .high = 40}),
              "expected 0 <= low < high <= 100, got 50 and 40");
  CHECK(StandardScaler(ones({3, 2}))(ones({0, 2})).shape() == Shape{0, 2});
}

TEST_CASE("OneHotEncoder gives a column a word") {
  const Table fit = parse_csv("place,size\nsea,2\nhill,10\nsea,2\n");
  const OneHotEncoder encoder(fit);
  CHECK(encoder.names() ==
        std::vector<std::string>{"place=hill", "place=sea", "size=2", "size=10"});
  // The categories of new rows are others, and in another order.
  const Table more = parse_csv("size,place\n10,sea\n2,hill\n");
  check_values(encoder(more), {0, 1, 0, 1, 1, 0, 1, 0});
  // One missing value makes floats of a column of integers.
  const Table floats = parse_csv("size,place\n10,sea\nNA,hill\n");
  check_values(encoder(floats.take(std::vector<Size>{0})), {0, 1, 0, 1});
  const Table unknown = parse_csv("size,place\n3,sea\n2,NA\n");
  CHECK_ERROR(encoder(unknown),
              "[OneHotEncoder] expected words of \"place\" that were in the fit, "
              "got none at row 1");
  check_values(OneHotEncoder(fit, {.unknown = Unknown::ignore})(unknown), {0, 1, 0, 0, 0, 0, 1, 0});
  CHECK_ERROR(encoder(fit.drop({"size"})), "expected the name of a column, got \"size\"");
}

TEST_CASE("OrdinalEncoder gives places in the sorted words of the fit") {
  const Table fit = parse_csv("place,size\nsea,2\nhill,10\nsea,2\n");
  const OrdinalEncoder encoder(fit);
  CHECK(encoder.categories()[0] == std::vector<std::string>{"hill", "sea"});
  check_values(encoder(fit), {1, 0, 0, 1, 1, 0});
  const Table unknown = parse_csv("place,size\nwood,2\n");
  CHECK_ERROR(encoder(unknown), "got \"wood\" at row 0\nhelp: unknown = Unknown::ignore");
  check_values(OrdinalEncoder(fit, {.unknown = Unknown::ignore})(unknown), {blank, 0});
}
