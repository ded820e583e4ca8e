#include "reel/ops/create/create.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/detail/batched.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/base/fail.h"
#include "reel/kernels/copy.h"
#include "reel/kernels/range.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/fit.h"
#include "reel/ops/support/promote.h"

namespace reel {
namespace {

using detail::fit;
using detail::new_tensor;

/// More elements than any tensor has.
constexpr double too_many = 0x1p48;

const Tensor& finish(const Tensor& made, const TensorOptions& options) {
  if (options.requires_grad) made.requires_grad_();
  return made;
}

const Tensor& fill_with(const char* op, const Tensor& made, const Tensor& value) {
  check(value.numel() == 1, op, "expected a value with one element, got shape {}", value.shape());
  const detail::FittedElement element = detail::fit_element(op, made.dtype(), value);
  kernels::fill(element.bytes, detail::writable(made));
  return made;
}

DType dtype_or_float(const TensorOptions& options) { return options.dtype.value_or(float32); }

Tensor make_like(const Tensor& like, const TensorOptions& options) {
  return detail::empty_like(like, options.dtype.value_or(like.dtype()));
}

void check_step(bool leads_there, auto start, auto end, auto step) {
  check(leads_there, "arange",
        "expected a step that leads from start to end, got start {}, end {}, step {}", start, end,
        step);
}

/// Throws unless the dtype holds both ends of a sequence.
template <class Number>
void check_ends(const char* op, DType dtype, Number first, Number last) {
  with_dtype(dtype, [&]<class T>(T) {
    fit<T>(op, dtype, first);
    fit<T>(op, dtype, last);
  });
}

/// The integers from `start` short of `end`. Distances are unsigned, so that none overflows.
Tensor count_up(Size start, Size end, Size step, DType dtype) {
  check_step(step > 0 ? start <= end : step < 0 && start >= end, start, end, step);
  const auto from = static_cast<std::uint64_t>(start), by = static_cast<std::uint64_t>(step);
  const std::uint64_t distance =
      step > 0 ? static_cast<std::uint64_t>(end) - from : from - static_cast<std::uint64_t>(end);
  const std::uint64_t stride = step > 0 ? by : 0 - by;
  const std::uint64_t count = distance / stride + (distance % stride != 0);
  check(static_cast<double>(count) <= too_many, "arange", "expected at most 2^48 elements, got {}",
        count);
  const Tensor made = new_tensor("arange", static_cast<Size>(count), dtype);
  if (count > 0) check_ends("arange", dtype, start, static_cast<Size>(from + (count - 1) * by));
  kernels::arange(start, step, detail::writable(made));
  return made;
}

Tensor count_up(double start, double end, double step, DType dtype) {
  check(std::isfinite(start) && std::isfinite(end) && std::isfinite(step), "arange",
        "expected finite numbers, got start {}, end {}, step {}", start, end, step);
  check_step(step != 0 && (end - start) / step >= 0, start, end, step);
  const double count = std::ceil((end - start) / step);
  check(count <= too_many, "arange", "expected at most 2^48 elements, got {}", count);
  const Tensor made = new_tensor("arange", static_cast<Size>(count), dtype);
  if (count > 0) check_ends("arange", dtype, start, start + (count - 1) * step);
  kernels::arange(start, step, detail::writable(made));
  return made;
}

const Tensor& fill_with_zeros(const Tensor& made) {
  constexpr std::uint64_t zero = 0;  // of every dtype
  kernels::fill(&zero, detail::writable(made));
  return made;
}

}  // namespace

Tensor zeros(const Shape& shape, const TensorOptions& options) {
  const detail::OpScope scope("zeros");
  return finish(fill_with_zeros(new_tensor("zeros", shape, dtype_or_float(options))), options);
}

Tensor ones(const Shape& shape, const TensorOptions& options) {
  const detail::OpScope scope("ones");
  return finish(fill_with("ones", new_tensor("ones", shape, dtype_or_float(options)), 1), options);
}

Tensor full(const Shape& shape, const Tensor& value, const TensorOptions& options) {
  detail::check_defined("full", "value", value);
  const detail::OpScope scope("full");
  const DType dtype = options.dtype ? *options.dtype : detail::dtype_of_operand(value.impl());
  return finish(fill_with("full", new_tensor("full", shape, dtype), value), options);
}

Tensor empty_like(const Tensor& like, const TensorOptions& options) {
  detail::check_defined("empty_like", "like", like);
  return finish(make_like(like, options), options);
}

Tensor zeros_like(const Tensor& like, const TensorOptions& options) {
  detail::check_defined("zeros_like", "like", like);
  const detail::OpScope scope("zeros_like", detail::all_samples(like));
  return finish(fill_with_zeros(make_like(like, options)), options);
}

Tensor ones_like(const Tensor& like, const TensorOptions& options) {
  detail::check_defined("ones_like", "like", like);
  const detail::OpScope scope("ones_like", detail::all_samples(like));
  return finish(fill_with("ones_like", make_like(like, options), 1), options);
}

Tensor full_like(const Tensor& like, const Tensor& value, const TensorOptions& options) {
  detail::check_defined("full_like", "like", like);
  detail::check_defined("full_like", "value", value);
  const detail::OpScope scope("full_like", detail::all_samples(like));
  return finish(fill_with("full_like", make_like(like, options), value), options);
}

Tensor arange(const Tensor& end, const TensorOptions& options) {
  return arange(0, end, 1, options);
}

Tensor arange(const Tensor& start, const Tensor& end, const TensorOptions& options) {
  return arange(start, end, 1, options);
}

Tensor arange(const Tensor& start, const Tensor& end, const Tensor& step,
              const TensorOptions& options) {
  detail::check_defined("arange", "start", start);
  detail::check_defined("arange", "end", end);
  detail::check_defined("arange", "step", step);
  const detail::OpScope scope("arange");
  const bool integers =
      !start.is_floating_point() && !end.is_floating_point() && !step.is_floating_point();
  const DType dtype = options.dtype.value_or(integers ? int64 : float32);
  if (integers) {
    return finish(count_up(start.item<Size>(), end.item<Size>(), step.item<Size>(), dtype),
                  options);
  }
  return finish(count_up(start.item(), end.item(), step.item(), dtype), options);
}

Tensor linspace(double start, double end, Size steps, const TensorOptions& options) {
  const detail::OpScope scope("linspace");
  const Tensor made = new_tensor("linspace", steps, dtype_or_float(options));
  if (steps > 0) check_ends("linspace", made.dtype(), start, steps > 1 ? end : start);
  kernels::linspace(start, end, detail::writable(made));
  return finish(made, options);
}

Tensor eye(Size n, const TensorOptions& options) { return eye(n, n, options); }

Tensor eye(Size rows, Size columns, const TensorOptions& options) {
  const detail::OpScope scope("eye");
  const Tensor made = new_tensor("eye", {rows, columns}, dtype_or_float(options));
  fill_with_zeros(made);
  detail::alias(made, std::min(rows, columns), columns + 1).fill_(1);
  return finish(made, options);
}

NestedValues::NestedValues(std::initializer_list<NestedValues> rows) {
  join(rows.begin(), rows.end());
}

void NestedValues::begin_row(Kind kind, Size size) {
  kind_ = kind;
  shape_ = {size};
  values_.reserve(static_cast<std::size_t>(size));
}

void NestedValues::raise_kind(Kind kind) {
  if (kind == Kind::floating && kind_ != Kind::floating) {
    for (Value& value : values_) value = {.floating = static_cast<double>(value.integer)};
  }
  kind_ = std::max(kind_, kind);
}

void NestedValues::join(const NestedValues* first, const NestedValues* last) {
  shape_ = {last - first};
  if (first == last) return;
  for (Size size : first->shape_) shape_.push_back(size);
  kind_ = first->kind_;
  for (const NestedValues* row = first; row != last; ++row) {
    if (row->shape_ != first->shape_) {
      check(row->shape_.size() == first->shape_.size(), "tensor",
            "expected rows of equal depth, got {} and {} dimensions", first->shape_.size(),
            row->shape_.size());
      Size dim = 0;
      while (row->shape_[dim] == first->shape_[dim]) ++dim;
      fail("tensor", "expected rows of equal length, got {} and {}", first->shape_[dim],
           row->shape_[dim]);
    }
    raise_kind(row->kind_);
    for (Value value : row->values_) {
      if (kind_ == Kind::floating && row->kind_ != Kind::floating) {
        value = {.floating = static_cast<double>(value.integer)};
      }
      values_.push_back(value);
    }
  }
}

Tensor NestedValues::to_tensor(const TensorOptions& options) const {
  const detail::OpScope scope("tensor");
  const DType suggested = kind_ == Kind::floating  ? float32
                          : kind_ == Kind::integer ? int64
                                                   : bool_;
  const Tensor made = new_tensor("tensor", shape_, options.dtype.value_or(suggested));
  with_dtype(made.dtype(), [&]<class T>(T) {
    T* out = made.data_ptr<T>();
    for (const Value value : values_) {
      *out++ = kind_ == Kind::floating ? fit<T>("tensor", made.dtype(), value.floating)
                                       : fit<T>("tensor", made.dtype(), value.integer);
    }
  });
  return finish(made, options);
}

Tensor tensor(const NestedValues& values, const TensorOptions& options) {
  return values.to_tensor(options);
}

}  // namespace reel
