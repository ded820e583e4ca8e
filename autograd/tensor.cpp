#include "reel/autograd/tensor.h"

#include <algorithm>
#include <new>

#include "reel/autograd/fail.h"
#include "reel/autograd/tape.h"

namespace reel {
namespace {

detail::TensorImpl* new_impl(DType dtype, const Shape& shape, const Strides& strides) {
  auto* impl = new (detail::allocate(sizeof(detail::TensorImpl))) detail::TensorImpl;
  impl->dtype = dtype;
  impl->shape = shape;
  impl->strides = strides;
  impl->numel = shape.numel();
  return impl;
}

Tensor with_new_storage(DType dtype, const Shape& shape, const Strides& strides, bool contiguous) {
  Tensor tensor(new_impl(dtype, shape, strides));
  detail::TensorImpl& impl = tensor.impl();
  impl.storage = detail::new_storage(static_cast<std::size_t>(impl.numel * item_size(dtype)));
  impl.data = static_cast<std::byte*>(impl.storage->data);
  impl.contiguous = contiguous;
  return tensor;
}

/// The product of the sizes, checked: a shape from a file or a sum gone wrong must not wrap around.
void check_shape(const char* op, const Shape& shape) {
  constexpr Size most = Size{1} << 48;
  Size product = 1;
  for (Size size : shape) {
    check(size >= 0, op, "expected sizes of 0 or more, got shape {}", shape);
    check(size == 0 || product <= most / size, op, "expected at most 2^48 elements, got shape {}",
          shape);
    product *= size;
  }
}

}  // namespace

void detail::destroy(TensorImpl* impl) noexcept {
  if (impl->storage != nullptr && drop_ref(impl->storage->refs)) destroy(impl->storage);
  drop(impl->node);
  drop(impl->grad);
  impl->~TensorImpl();
  deallocate(impl, sizeof(TensorImpl));
}

detail::TensorImpl* Tensor::number(DType dtype) {
  Tensor tensor = with_new_storage(dtype, {}, {}, true);
  tensor.impl_->is_number = true;
  return tensor.release();
}

void Tensor::undefined() {
  fail("Tensor",
       "expected a tensor, got an undefined one\nhelp: it was default-constructed, moved "
       "from, or is a gradient that has not been computed yet");
}

void Tensor::wrong_data_type(DType wanted) const {
  fail("data_ptr", "expected dtype {}, got {}", dtype(), wanted);
}

double Tensor::item_as_double() const {
  check(numel() == 1, "item", "expected a tensor with one element, got shape {}", shape());
  return with_dtype(dtype(), [&]<class T>(T) { return static_cast<double>(*data_ptr<T>()); });
}

std::int64_t Tensor::item_as_integer() const {
  check(numel() == 1, "item", "expected a tensor with one element, got shape {}", shape());
  return with_dtype(dtype(), [&]<class T>(T) { return static_cast<std::int64_t>(*data_ptr<T>()); });
}

const Tensor& Tensor::requires_grad_(bool value) const {
  detail::TensorImpl& body = impl();
  check(!value || is_floating(body.dtype), "requires_grad_",
        "expected a floating-point tensor, got dtype {}", body.dtype);
  check(value || body.node == nullptr, "requires_grad_",
        "expected a leaf, got the result of '{}'\nhelp: use detach()", op_name());
  body.requires_grad = value;
  return *this;
}

Tensor Tensor::grad() const {
  detail::TensorImpl* gradient = impl().grad;
  if (gradient != nullptr) detail::add_ref(gradient->refs);
  return Tensor(gradient);
}

void Tensor::set_grad(const Tensor& gradient) const {
  if (gradient.defined()) {
    check(gradient.shape() == shape() && gradient.dtype() == dtype(), "set_grad",
          "expected a gradient of shape {} and dtype {}, got {} and {}", shape(), dtype(),
          gradient.shape(), gradient.dtype());
  }
  detail::drop(std::exchange(impl().grad, Tensor(gradient).release()));
}

const char* Tensor::op_name() const { return impl().node != nullptr ? impl().node->name : ""; }

void Tensor::backward() const { reel::backward({*this}); }
void Tensor::backward(const BackwardOptions& options) const { reel::backward({*this}, options); }

Tensor Tensor::detach() const { return detail::alias(*this, shape(), strides()); }

Tensor empty(const Shape& shape, const TensorOptions& options) {
  check_shape("empty", shape);
  Tensor tensor = with_new_storage(options.dtype.value_or(float32), shape,
                                   detail::contiguous_strides(shape), true);
  if (options.requires_grad) tensor.requires_grad_();
  return tensor;
}

Tensor detail::empty_strided(const Shape& shape, const Strides& strides, DType dtype) {
  check_shape("empty", shape);
  return with_new_storage(dtype, shape, strides, is_contiguous(shape, strides));
}

Tensor detail::empty_like(const Tensor& like, DType dtype) {
  const TensorImpl& impl = like.impl();
  if (impl.contiguous || !is_dense(impl.shape, impl.strides)) {
    return with_new_storage(dtype, impl.shape, contiguous_strides(impl.shape), true);
  }
  return with_new_storage(dtype, impl.shape, impl.strides, false);
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
  const TensorImpl& from = base.impl();
  Tensor view(new_impl(from.dtype, shape, strides));
  TensorImpl& impl = view.impl();
  impl.storage = from.storage;
  add_ref(impl.storage->refs);
  impl.data = from.data + offset * item_size(from.dtype);
  impl.contiguous = is_contiguous(shape, strides);
  return view;
}

}  // namespace reel
