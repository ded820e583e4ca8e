#include "reel/autograd/ops/create.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "reel/autograd/detail/op_scope.h"
#include "reel/autograd/fail.h"
#include "reel/autograd/kernels/copy.h"
#include "reel/autograd/ops/promote.h"

namespace reel {
namespace {

const Tensor& finish(const Tensor& made, const TensorOptions& options) {
  if (options.requires_grad) made.requires_grad_();
  return made;
}

template <class To, class From>
To fit(const char* op, DType dtype, From value) {
  if constexpr (std::same_as<To, bool>) {
    return value != From{0};
  } else if constexpr (std::floating_point<To>) {
    return static_cast<To>(value);
  } else {
    bool fits;
    if constexpr (std::floating_point<From>) {
      // Both bounds are powers of two, so that they are exact in every floating-point type.
      const auto least = static_cast<From>(std::numeric_limits<To>::min());
      const From beyond = std::ldexp(From{1}, std::numeric_limits<To>::digits);
      fits = value >= least && value < beyond;
    } else {
      fits = value >= std::numeric_limits<To>::min() && value <= std::numeric_limits<To>::max();
    }
    check(fits, op, "expected values that fit dtype {}, got {}", dtype, value);
    return static_cast<To>(value);
  }
}

const Tensor& fill_with(const char* op, const Tensor& made, const Tensor& value) {
  check(value.numel() == 1, op, "expected a value with one element, got shape {}", value.shape());
  with_dtype(made.dtype(), [&]<class T>(T) {
    T element;
    if (value.is_floating_point()) {
      element = fit<T>(op, made.dtype(), value.item<double>());
    } else {
      element = fit<T>(op, made.dtype(), value.item<std::int64_t>());
    }
    kernels::fill(made.numel(), made.impl().data, made.dtype(), &element);
  });
  return made;
}

Tensor make_like(const Tensor& like, const TensorOptions& options) {
  return detail::empty_like(like, options.dtype.value_or(like.dtype()));
}

const Tensor& fill_with_zeros(const Tensor& made) {
  constexpr std::uint64_t zero = 0;  // of every dtype
  kernels::fill(made.numel(), made.impl().data, made.dtype(), &zero);
  return made;
}

}  // namespace

Tensor zeros(const Shape& shape, const TensorOptions& options) {
  const detail::OpScope scope("zeros");
  return finish(fill_with_zeros(empty(shape, {.dtype = options.dtype})), options);
}

Tensor ones(const Shape& shape, const TensorOptions& options) {
  const detail::OpScope scope("ones");
  return finish(fill_with("ones", empty(shape, {.dtype = options.dtype}), 1), options);
}

Tensor full(const Shape& shape, const Tensor& value, const TensorOptions& options) {
  const detail::OpScope scope("full");
  const DType dtype = options.dtype ? *options.dtype : detail::dtype_of_operand(value.impl());
  return finish(fill_with("full", empty(shape, {.dtype = dtype}), value), options);
}

Tensor empty_like(const Tensor& like, const TensorOptions& options) {
  return finish(make_like(like, options), options);
}

Tensor zeros_like(const Tensor& like, const TensorOptions& options) {
  const detail::OpScope scope("zeros_like", like);
  return finish(fill_with_zeros(make_like(like, options)), options);
}

Tensor ones_like(const Tensor& like, const TensorOptions& options) {
  const detail::OpScope scope("ones_like", like);
  return finish(fill_with("ones_like", make_like(like, options), 1), options);
}

Tensor full_like(const Tensor& like, const Tensor& value, const TensorOptions& options) {
  const detail::OpScope scope("full_like", like);
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
  const detail::OpScope scope("arange");
  const bool integers =
      !start.is_floating_point() && !end.is_floating_point() && !step.is_floating_point();
  const DType dtype = options.dtype.value_or(integers ? int64 : float32);
  const double from = start.item();
  const double to = end.item();
  const double by = step.item();
  check(std::isfinite(from) && std::isfinite(to) && std::isfinite(by), "arange",
        "expected finite numbers, got start {}, end {}, step {}", from, to, by);
  check(by != 0 && (to - from) / by >= 0, "arange",
        "expected a step that leads from start to end, got start {}, end {}, step {}", from, to,
        by);
  const double count = std::ceil((to - from) / by);
  check(count < 0x1p48, "arange", "expected at most 2^48 elements, got {}", count);
  const Tensor made = empty(static_cast<Size>(count), {.dtype = dtype});
  const auto first = start.item<std::int64_t>();
  const auto stride = step.item<std::int64_t>();
  with_dtype(dtype, [&]<class T>(T) {
    T* out = made.data_ptr<T>();
    for (Size i = 0; i < made.numel(); ++i) {
      out[i] = integers ? fit<T>("arange", dtype, first + i * stride)
                        : fit<T>("arange", dtype, from + static_cast<double>(i) * by);
    }
  });
  return finish(made, options);
}

Tensor linspace(double start, double end, Size steps, const TensorOptions& options) {
  const detail::OpScope scope("linspace");
  const Tensor made = empty(steps, {.dtype = options.dtype});
  // Counted from the nearer end, so that both ends are exact and the middle is symmetric.
  const double step = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
  with_dtype(made.dtype(), [&]<class T>(T) {
    T* out = made.data_ptr<T>();
    for (Size i = 0; i < steps; ++i) {
      const double value = 2 * i < steps ? start + step * static_cast<double>(i)
                                         : end - step * static_cast<double>(steps - 1 - i);
      out[i] = fit<T>("linspace", made.dtype(), steps == 1 ? start : value);
    }
  });
  return finish(made, options);
}

Tensor eye(Size n, const TensorOptions& options) { return eye(n, n, options); }

Tensor eye(Size rows, Size columns, const TensorOptions& options) {
  const detail::OpScope scope("eye");
  const Tensor made = zeros({rows, columns}, {.dtype = options.dtype});
  with_dtype(made.dtype(), [&]<class T>(T) {
    T* out = made.data_ptr<T>();
    for (Size i = 0; i < std::min(rows, columns); ++i) out[i * (columns + 1)] = T{1};
  });
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
  const Tensor made = empty(shape_, {.dtype = options.dtype.value_or(suggested)});
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

Tensor detail::from_memory(void* data, const Shape& shape, const TensorOptions& options,
                           std::unique_ptr<ForeignMemory> owner) {
  const DType dtype = options.dtype.value_or(float32);
  for (Size size : shape) {
    check(size >= 0, "from_blob", "expected sizes of 0 or more, got shape {}", shape);
  }
  check(data != nullptr || shape.numel() == 0, "from_blob",
        "expected memory for shape {}, got a null pointer", shape);
  check(reinterpret_cast<std::uintptr_t>(data) % static_cast<std::size_t>(item_size(dtype)) == 0,
        "from_blob", "expected memory aligned to {} bytes for dtype {}, got address {}",
        item_size(dtype), dtype, data);
  check(!options.requires_grad || is_floating(dtype), "requires_grad_",
        "expected a floating-point tensor, got dtype {}", dtype);
  const auto bytes = static_cast<std::size_t>(shape.numel() * item_size(dtype));
  Tensor made(new (allocate(sizeof(TensorImpl))) TensorImpl);
  TensorImpl& impl = made.impl();
  impl.dtype = dtype;
  impl.shape = shape;
  impl.strides = contiguous_strides(shape);
  impl.numel = shape.numel();
  impl.storage = new_foreign_storage(data, bytes, owner.release());
  impl.data = static_cast<std::byte*>(data);
  return finish(made, options);
}

}  // namespace reel
