#pragma once

#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/detail/storage.h"
#include "reel/autograd/from_blob.h"
#include "reel/autograd/tensor.h"

namespace reel {

/// A tensor of zeros. Throws on negative sizes. Follows `torch.zeros`.
REEL_API Tensor zeros(const Shape& shape, const TensorOptions& options = {});
template <class... Sizes>
  requires detail::LooseSizes<Sizes...>
void zeros(Sizes...) {
  static_assert(detail::never<Sizes...>, "write the sizes in braces: zeros({2, 3})");
}
/// A tensor of ones. Throws on negative sizes. Follows `torch.ones`.
REEL_API Tensor ones(const Shape& shape, const TensorOptions& options = {});
template <class... Sizes>
  requires detail::LooseSizes<Sizes...>
void ones(Sizes...) {
  static_assert(detail::never<Sizes...>, "write the sizes in braces: ones({2, 3})");
}
/// A tensor whose elements all are `value`; unless `options` say otherwise a number gives int64,
/// float32 or bool, a 0-d tensor its own dtype. Follows `torch.full`.
///
/// Throws when `value` has more or less than one element, or does not fit the dtype.
REEL_API Tensor full(const Shape& shape, const Tensor& value, const TensorOptions& options = {});
template <std::integral Size0, std::integral Size1, Number... More>
  requires(sizeof...(More) > 0)
void full(Size0, Size1, More...) {
  static_assert(detail::never<More...>, "write the sizes in braces: full({2, 3}, value)");
}

/// Zeros in the shape, dtype and memory order of `like`. Follows `torch.zeros_like`.
REEL_API Tensor zeros_like(const Tensor& like, const TensorOptions& options = {});
/// Ones in the shape, dtype and memory order of `like`. Follows `torch.ones_like`.
REEL_API Tensor ones_like(const Tensor& like, const TensorOptions& options = {});
/// `value` everywhere, in the shape, dtype and memory order of `like`. Follows `torch.full_like`.
REEL_API Tensor full_like(const Tensor& like, const Tensor& value,
                          const TensorOptions& options = {});
/// Elements that are not set yet, in the shape, dtype and memory order of `like`.
REEL_API Tensor empty_like(const Tensor& like, const TensorOptions& options = {});

/// The numbers 0, 1, ... below `end`: int64 for an integer `end`, else float32.
/// Follows `torch.arange`.
REEL_API Tensor arange(const Tensor& end, const TensorOptions& options = {});
/// The numbers `start`, `start + 1`, and so on, short of `end`: int64 where all are integers, which
/// are counted exactly, else float32. Throws when `end` is below `start`, and when a number is not
/// finite.
REEL_API Tensor arange(const Tensor& start, const Tensor& end, const TensorOptions& options = {});
/// The same in steps of `step`, up or down. Throws also when `step` is zero or leads away from
/// `end`.
REEL_API Tensor arange(const Tensor& start, const Tensor& end, const Tensor& step,
                       const TensorOptions& options = {});

/// `steps` numbers at equal distances from `start` to `end`, both included; float32 by default.
/// Throws when `steps` is negative. Follows `torch.linspace`.
REEL_API Tensor linspace(double start, double end, Size steps, const TensorOptions& options = {});

/// The identity matrix `[n, n]`. Follows `torch.eye`.
REEL_API Tensor eye(Size n, const TensorOptions& options = {});
/// Ones on the diagonal of a `[rows, columns]` matrix of zeros.
REEL_API Tensor eye(Size rows, Size columns, const TensorOptions& options = {});

/// The values that `tensor` takes: a number, nested braces, or any range of numbers or of such
/// ranges (`std::vector`, `std::array`, `std::span`).
class REEL_API NestedValues {
 public:
  /// One number, for a 0-d tensor.
  template <Number T>
  NestedValues(T value) : kind_(kind_of<T>) {
    append(value);
  }

  /// Braces; throws for rows of unequal shape.
  NestedValues(std::initializer_list<NestedValues> rows);

  /// A range of numbers, or of ranges of equal shape.
  template <class Range>
    requires requires(const Range& range) {
      range.begin();
      range.end();
      range.size();
    }
  NestedValues(const Range& range) {
    using Item = std::decay_t<decltype(*range.begin())>;
    if constexpr (std::is_same_v<Item, bool> || std::is_same_v<Range, std::vector<bool>>) {
      begin_row(kind_of<bool>, static_cast<Size>(range.size()));
      for (const bool value : range) append(value);
    } else if constexpr (Number<Item>) {
      begin_row(kind_of<Item>, static_cast<Size>(range.size()));
      for (const Item value : range) append(value);
    } else {
      std::vector<NestedValues> rows(range.begin(), range.end());
      join(rows.data(), rows.data() + rows.size());
    }
  }

  /// All of them in row-major order, in the dtype asked for or the one they suggest.
  Tensor to_tensor(const TensorOptions& options) const;

 private:
  enum class Kind { boolean, integer, floating };
  union Value {
    std::int64_t integer;  // also of a bool
    double floating;
  };

  template <class T>
  static constexpr Kind kind_of = std::is_same_v<T, bool>       ? Kind::boolean
                                  : std::is_floating_point_v<T> ? Kind::floating
                                                                : Kind::integer;

  template <class T>
  void append(T value) {
    if constexpr (std::is_floating_point_v<T>) {
      values_.push_back({.floating = detail::widen(value)});
    } else {
      values_.push_back({.integer = detail::widen(value)});
    }
  }
  void begin_row(Kind kind, Size size);
  void join(const NestedValues* first, const NestedValues* last);
  void raise_kind(Kind kind);

  Kind kind_ = Kind::floating;
  Shape shape_;
  std::vector<Value> values_;
};

/// A tensor of the values given: `tensor({{1, 2}, {3, 4}})` is an int64 matrix `[2, 2]`,
/// `tensor({1.5, 2})` a float32 vector, `tensor(true)` a 0-d bool, `tensor(vector)` a copy of it.
/// Integers of any width give int64 and floating-point numbers float32 unless `options.dtype` says
/// otherwise. Follows `torch.tensor`.
///
/// Throws `[tensor] expected rows of equal length, got 2 and 3` for ragged braces, and when a value
/// does not fit the dtype.
REEL_API Tensor tensor(const NestedValues& values, const TensorOptions& options = {});

}  // namespace reel
