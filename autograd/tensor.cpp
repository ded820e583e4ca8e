#include "reel/autograd/tensor.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "reel/autograd/detail/batched.h"
#include "reel/autograd/detail/grad_lock.h"
#include "reel/autograd/detail/in_place.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"

namespace reel {
namespace {

/// `numel` comes from `checked_numel`, or from a tensor that has it already.
detail::TensorImpl* new_impl(DType dtype, const Shape& shape, const Strides& strides, Size numel) {
  auto* impl = new (detail::allocate(sizeof(detail::TensorImpl))) detail::TensorImpl;
  impl->dtype = dtype;
  impl->shape = shape;
  impl->strides = strides;
  impl->numel = numel;
  return impl;
}

Tensor with_new_storage(DType dtype, const Shape& shape, const Strides& strides, Size numel,
                        bool contiguous) {
  Tensor tensor(new_impl(dtype, shape, strides, numel));
  detail::TensorImpl& impl = tensor.impl();
  impl.storage = detail::new_storage(static_cast<std::size_t>(impl.numel * item_size(dtype)));
  impl.data = static_cast<std::byte*>(impl.storage->data);
  impl.contiguous = contiguous;
  return tensor;
}

template <class T>
detail::TensorImpl* new_number(T value) {
  Tensor tensor = with_new_storage(dtype_of<T>, {}, {}, 1, true);
  tensor.impl().is_number = true;
  *reinterpret_cast<T*>(tensor.impl().data) = value;
  return tensor.release();
}

/// How C++ spells the elements' type.
const char* cpp_name(DType dtype) {
  constexpr const char* names[] = {"float",        "double",       "std::int64_t",
                                   "std::int32_t", "std::uint8_t", "bool"};
  return names[static_cast<int>(dtype)];
}

}  // namespace

void detail::destroy(TensorImpl* impl) noexcept {
  if (impl->storage != nullptr && drop_ref(impl->storage->refs)) destroy(impl->storage);
  drop(impl->node);
  const std::uintptr_t grad = impl->grad.load(std::memory_order_relaxed);
  if ((grad & has_extras) == 0) {
    drop(reinterpret_cast<TensorImpl*>(grad & grad_pointer));
  } else {
    auto* extras = reinterpret_cast<GradExtras*>(grad & grad_pointer);
    drop(std::exchange(extras->base, nullptr));
    drop(extras);
  }
  if (impl->is_batched) [[unlikely]] {
    destroy_batched(impl);
    return;
  }
  impl->~TensorImpl();
  deallocate(impl, sizeof(TensorImpl));
}

void detail::number_too_large(std::uint64_t value) {
  fail("Tensor", "expected a number that fits dtype int64, got {}", value);
}

detail::TensorImpl* Tensor::number(bool value) { return new_number(value); }
detail::TensorImpl* Tensor::number(std::int64_t value) { return new_number(value); }
detail::TensorImpl* Tensor::number(double value) { return new_number(value); }

void Tensor::undefined() {
  fail("Tensor",
       "expected a tensor, got an undefined one\nhelp: it was default-constructed, moved "
       "from, or is a gradient that has not been computed yet");
}

void Tensor::wrong_data_type(DType wanted) const {
  detail::check_not_batched("data_ptr", *this);
  fail("data_ptr", "expected data_ptr<{}>, as the tensor is {}, got data_ptr<{}>",
       cpp_name(dtype()), dtype(), cpp_name(wanted));
}

Size Tensor::storage_offset() const {
  detail::check_not_batched("storage_offset", *this);
  return (impl().data - static_cast<std::byte*>(impl().storage->data)) / item_size(dtype());
}

bool Tensor::item_as_bool() const {
  detail::check_not_batched("item", *this);
  check(numel() == 1, "item", "expected a tensor with one element, got shape {}", shape());
  return with_dtype(dtype(), [&]<class T>(T) { return *data_ptr<T>() != T{0}; });
}

double Tensor::item_as_double() const {
  detail::check_not_batched("item", *this);
  check(numel() == 1, "item", "expected a tensor with one element, got shape {}", shape());
  return with_dtype(dtype(), [&]<class T>(T) { return static_cast<double>(*data_ptr<T>()); });
}

std::int64_t Tensor::item_as_integer(std::int64_t least, std::int64_t most) const {
  detail::check_not_batched("item", *this);
  check(numel() == 1, "item", "expected a tensor with one element, got shape {}", shape());
  return with_dtype(dtype(), [&]<class T>(T) {
    const T value = *data_ptr<T>();
    bool fits;
    if constexpr (std::floating_point<T>) {
      // `most + 1` is a power of two, or rounds to one.
      const double whole = std::trunc(static_cast<double>(value));
      fits = whole >= static_cast<double>(least) && whole < static_cast<double>(most) + 1;
    } else {
      fits = value >= least && value <= most;
    }
    check(fits, "item", "expected a number in [{}, {}] for this type, got {}", least, most, value);
    return static_cast<std::int64_t>(value);
  });
}

const Tensor& Tensor::requires_grad_(bool value) const {
  detail::check_not_batched("requires_grad_", *this);
  detail::TensorImpl& body = impl();
  check(!value || is_floating(body.dtype), "requires_grad_",
        "expected a floating-point tensor, got dtype {}", body.dtype);
  const bool leaf = is_leaf();
  check(value || leaf, "requires_grad_",
        "expected a leaf, got the result of '{}'\nhelp: use detach()", op_name());
  if (leaf) {
    if (value) detail::become_base(body);
    body.followed = value ? detail::Followed::yes : detail::Followed::no;
  }
  return *this;
}

Tensor Tensor::grad() const {
  const detail::GradLock slot(impl());
  return slot.gradient;
}

void Tensor::set_grad(const Tensor& gradient) const {
  detail::check_not_batched("set_grad", *this, gradient);
  if (gradient.defined()) {
    check(gradient.shape() == shape() && gradient.dtype() == dtype(), "set_grad",
          "expected a gradient of shape {} and dtype {}, got {} and {}", shape(), dtype(),
          gradient.shape(), gradient.dtype());
  }
  Tensor before = gradient;  // dropped when the lock is open again
  detail::GradLock slot(impl());
  slot.gradient.swap(before);
}

const char* Tensor::op_name() const {
  const detail::Node* node = impl().current();
  return node == nullptr ? "" : node->last_op();
}

Tensor Tensor::detach() const {
  if (detail::is_batched(*this)) [[unlikely]]
    return detail::make_batched(detail::batched(*this).all.detach(), detail::batched(*this).level);
  return detail::alias(*this, shape(), strides());
}

Tensor empty(const Shape& shape, const TensorOptions& options) {
  Tensor tensor = detail::new_tensor("empty", shape, options.dtype.value_or(float32));
  if (options.requires_grad) tensor.requires_grad_();
  return tensor;
}

Tensor detail::new_tensor(const char* op, const Shape& shape, DType dtype) {
  const Size numel = checked_numel(op, shape);
  return with_new_storage(dtype, shape, contiguous_strides(shape), numel, true);
}

Tensor detail::empty_strided(const Shape& shape, const Strides& strides, DType dtype,
                             const char* op) {
  const Size numel = checked_numel(op, shape);
  return with_new_storage(dtype, shape, strides, numel, is_contiguous(shape, strides));
}

Tensor detail::empty_like(const Tensor& like, DType dtype) {
  const TensorImpl& impl = like.impl();
  if (impl.contiguous || !is_dense(impl.shape, impl.strides)) {
    return with_new_storage(dtype, impl.shape, contiguous_strides(impl.shape), impl.numel, true);
  }
  return with_new_storage(dtype, impl.shape, impl.strides, impl.numel, false);
}

bool detail::is_dense(const Shape& shape, const Strides& strides) {
  if (shape.numel() == 0) return true;
  // Walks from the smallest stride up: each must step over exactly what lies within.
  Size expected = 1;
  Size left = std::count_if(shape.begin(), shape.end(), [](Size size) { return size != 1; });
  while (left > 0) {
    Size next = 0;
    while (next < shape.size() && (shape[next] == 1 || strides[next] != expected)) ++next;
    if (next == shape.size()) return false;
    expected *= shape[next];
    --left;
  }
  return true;
}

Tensor detail::alias(const Tensor& base, const Shape& shape, const Strides& strides, Size offset) {
  check_not_batched("alias", base);
  const TensorImpl& from = base.impl();
  Tensor view(new_impl(from.dtype, shape, strides, checked_numel("alias", shape)));
  TensorImpl& impl = view.impl();
  impl.device = from.device;
  impl.storage = from.storage;
  add_ref(impl.storage->refs);
  impl.data = from.data + offset * item_size(from.dtype);
  impl.contiguous = is_contiguous(shape, strides);
  return view;
}

Tensor detail::view_of(const Tensor& x, const Shape& shape, const Strides& strides, Size offset) {
  Tensor view = alias(x, shape, strides, offset);
  TensorImpl& impl = view.impl();
  if (!is_floating(impl.dtype)) return view;
  TensorImpl& from = x.impl();
  const bool off_tape =
      !grad_enabled() || (from.grad.load(std::memory_order_relaxed) & is_view_off_tape) != 0;
  TensorImpl& base = base_of(from);
  add_ref(base.refs);
  impl.grad.store(reinterpret_cast<std::uintptr_t>(&base) | (off_tape ? is_view_off_tape : is_view),
                  std::memory_order_relaxed);
  if (!off_tape) impl.followed = Followed::as_base;
  return view;
}

}  // namespace reel
