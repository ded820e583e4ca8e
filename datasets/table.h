#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel::datasets {

/// A named column of a `Table`: numbers, or words from a list of categories.
class REEL_API Column {
 public:
  /// Numbers `[N]`: integers are kept as int64, floats as float64, where NaN stands for a missing
  /// value; bools become 0 and 1.
  Column(std::string name, const Tensor& numbers);

  /// Words; those in `missing` count as missing. The categories are the distinct ones, sorted.
  Column(std::string name, std::span<const std::string> words,
         std::span<const std::string> missing = {});

  /// Words by their places in a list of distinct categories: integers `[N]` in
  /// `[-1, categories.size())`, -1 for a missing one.
  Column(std::string name, const Tensor& codes, std::vector<std::string> categories);

  /// What a `Table` finds it by.
  const std::string& name() const { return name_; }
  /// The number of values, missing ones included.
  Size size() const { return values_.size(0); }

  /// Whether it holds words.
  bool is_text() const { return text_; }

  /// The numbers, int64 or float64 `[N]`; of words their places in `categories()`, int64 `[N]`:
  /// what `nn::cross_entropy` takes as classes.
  const Tensor& values() const { return values_; }

  /// The distinct words, sorted; none for a column of numbers.
  const std::vector<std::string>& categories() const { return categories_; }

  /// Whether the value of row `row` is missing. Throws for a row out of range.
  bool is_missing(Size row) const;

  /// How many values are missing.
  Size missing() const;

  /// The value of row `row` as text: a number in the fewest digits that read as the same number, ""
  /// where missing. Throws for a row out of range.
  std::string text(Size row) const;

  /// The rows `rows`, in that order. The categories stay. Throws for a row out of range.
  Column take(std::span<const Size> rows) const;

  /// The same under another name.
  Column renamed(std::string name) const;

 private:
  std::string name_;
  Tensor values_;
  std::vector<std::string> categories_;
  bool text_ = false;
};

/// Named columns of equal length, what `read_csv` returns. A value: nothing in it changes.
///
/// **Example**
/// ```cpp
/// const Table houses = read_csv("houses.csv");
/// Tensor features = houses.to_tensor({"rooms", "age"});        // float32 [N, 2]
/// Tensor kinds = houses["ocean_proximity"].values();           // int64 [N], by categories()
/// ```
class REEL_API Table {
 public:
  /// Throws `Error` unless the columns have one length and names of their own.
  explicit Table(std::vector<Column> columns);

  /// The length of every column; 0 where there is none.
  Size rows() const { return rows_; }
  /// The columns, in their order.
  const std::vector<Column>& columns() const { return columns_; }

  /// The names of the columns.
  std::vector<std::string> names() const;

  /// Whether there is a column of this name.
  bool contains(std::string_view name) const;

  /// The column of this name. Throws an `Error` that lists the names there are.
  const Column& operator[](std::string_view name) const;

  /// The column at this place. Throws for a place out of range.
  const Column& operator[](Size place) const;

  /// The named columns, in that order. Throws for a name that is not there.
  Table select(std::span<const std::string> names) const;
  /// The same of names in braces.
  Table select(std::initializer_list<std::string> names) const {
    return select(std::span<const std::string>{names.begin(), names.size()});
  }

  /// All columns but the named ones. Throws for a name that is not there.
  Table drop(std::span<const std::string> names) const;
  /// The same of names in braces.
  Table drop(std::initializer_list<std::string> names) const {
    return drop(std::span<const std::string>{names.begin(), names.size()});
  }

  /// The rows `rows`, in that order. Throws for a row out of range.
  Table take(std::span<const Size> rows) const;

  /// Columns of numbers side by side, `[N, columns]` of dtype float32 or float64: a missing value
  /// is NaN.
  ///
  /// Throws `Error` for a column of words, and for dtypes that hold no NaN.
  Tensor to_tensor(std::span<const std::string> names, DType dtype = float32) const;
  /// The same of names in braces.
  Tensor to_tensor(std::initializer_list<std::string> names, DType dtype = float32) const {
    return to_tensor(std::span<const std::string>{names.begin(), names.size()}, dtype);
  }
  /// The same of all columns.
  Tensor to_tensor(DType dtype = float32) const;

 private:
  std::size_t place_of(const char* op, std::string_view name) const;

  std::vector<Column> columns_;
  Size rows_ = 0;
};

}  // namespace reel::datasets
