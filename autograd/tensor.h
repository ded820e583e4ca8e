#pragma once

#include <concepts>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reel/autograd/detail/tensor_impl.h"
#include "reel/autograd/dtype.h"
#include "reel/autograd/error.h"
#include "reel/autograd/export.h"
#include "reel/autograd/shape.h"

namespace reel {

class Generator;
struct BackwardOptions;
struct Index;
struct ValuesAndIndices;

/// A C++ number that a tensor can be made from or hold.
template <class T>
concept Number = std::is_arithmetic_v<T>;

/// An n-dimensional array with a run-time dtype that remembers, where asked to, how it was
/// computed.
///
/// A `Tensor` is a handle: copies share the elements, as in PyTorch; `clone()` copies them.
/// Methods and free functions are the same (`x.sum(1)`, `sum(x, 1)`); the documentation stands with
/// the free functions in `autograd/ops/`.
class REEL_API Tensor {
 public:
  /// An undefined tensor: "no tensor here". Every op rejects it.
  Tensor() = default;

  /// A 0-d tensor from a C++ number: what makes `2 * x`, `maximum(x, 0)` and `Tensor loss = 0.0`
  /// work. In a mixed operation it counts by its kind only (bool < integer < floating), so `x
  /// * 2.0` keeps the dtype of a float32 `x`.
  template <Number T>
  Tensor(T value) : Tensor(number(dtype_of<T>)) {
    *reinterpret_cast<T*>(impl_->data) = value;
  }

  Tensor(const Tensor& other) noexcept : impl_(other.impl_) {
    if (impl_ != nullptr) detail::add_ref(impl_->refs);
  }
  Tensor(Tensor&& other) noexcept : impl_(std::exchange(other.impl_, nullptr)) {}
  Tensor& operator=(const Tensor& other) noexcept {
    Tensor(other).swap(*this);
    return *this;
  }
  Tensor& operator=(Tensor&& other) noexcept {
    Tensor(std::move(other)).swap(*this);
    return *this;
  }
  ~Tensor() { detail::drop(impl_); }

  void swap(Tensor& other) noexcept { std::swap(impl_, other.impl_); }

  // --- what it is
  // ---------------------------------------------------------------------------------

  /// Whether there is a tensor behind this handle.
  bool defined() const { return impl_ != nullptr; }
  /// Whether both handles share one tensor.
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }

  Size dim() const { return impl().shape.size(); }
  Size numel() const { return impl().numel; }
  DType dtype() const { return impl().dtype; }
  const Shape& shape() const { return impl().shape; }
  const Strides& strides() const { return impl().strides; }
  /// The size of one dimension; negative ones count from the end.
  Size size(Size dim) const { return shape()[detail::wrap_dim("size", dim, this->dim())]; }
  Size stride(Size dim) const { return strides()[detail::wrap_dim("stride", dim, this->dim())]; }
  bool is_contiguous() const { return impl().contiguous; }
  bool is_floating_point() const { return is_floating(dtype()); }
  /// How often the elements were changed in place; shared by all views of the same memory.
  std::uint32_t version() const { return impl().storage->version.load(std::memory_order_relaxed); }

  /// The first element. Elements follow `strides()`. Writing through it bypasses the tape.
  /// Throws `[data_ptr] expected dtype float32, got int64` when `T` is not the dtype's type.
  template <Number T>
  T* data_ptr() const {
    if (impl().dtype != dtype_of<T>) wrong_data_type(dtype_of<T>);
    return reinterpret_cast<T*>(impl_->data);
  }

  /// The value of a tensor with one element, converted to `T`.
  /// Throws when there is more or less than one.
  template <Number T = double>
  T item() const {
    if constexpr (std::floating_point<T>) {
      return static_cast<T>(item_as_double());
    } else {
      return static_cast<T>(item_as_integer());
    }
  }

  // --- its place on the tape
  // ----------------------------------------------------------------------

  bool requires_grad() const { return impl_ != nullptr && impl_->requires_grad; }
  /// Asks the tape to follow what is computed from this leaf; returns the tensor itself.
  /// Throws for integer tensors, and when a computed tensor is told to stop.
  const Tensor& requires_grad_(bool value = true) const;
  bool is_leaf() const { return impl().node == nullptr; }
  /// The accumulated gradient of a leaf; undefined before the first `backward`.
  Tensor grad() const;
  /// Replaces the accumulated gradient; an undefined tensor clears it.
  void set_grad(const Tensor& gradient) const;
  /// The name of the op that made this tensor; "" for a leaf.
  const char* op_name() const;
  /// Walks the tape from this scalar and adds up the gradients of the leaves it came from.
  void backward() const;
  void backward(const BackwardOptions& options) const;
  /// The same elements, outside the tape.
  Tensor detach() const;

  // --- layout and dtype: autograd/ops/view.h
  // -------------------------------------------------------

  Tensor to(DType dtype) const;
  Tensor clone() const;
  Tensor contiguous() const;
  Tensor view(const Shape& shape) const;
  Tensor reshape(const Shape& shape) const;
  Tensor flatten(Size start_dim = 0, Size end_dim = -1) const;
  Tensor squeeze() const;
  Tensor squeeze(Size dim) const;
  Tensor unsqueeze(Size dim) const;
  Tensor transpose(Size dim0, Size dim1) const;
  Tensor t() const;
  Tensor permute(const Dims& dims) const;
  Tensor expand(const Shape& shape) const;
  Tensor expand_as(const Tensor& other) const;
  Tensor narrow(Size dim, Size start, Size length) const;
  Tensor slice(Size dim, std::optional<Size> start = {}, std::optional<Size> end = {},
               Size step = 1) const;
  Tensor select(Size dim, Size index) const;
  std::vector<Tensor> split(Size split_size, Size dim = 0) const;
  std::vector<Tensor> chunk(Size chunks, Size dim = 0) const;
  std::vector<Tensor> unbind(Size dim = 0) const;

  // --- indexing: autograd/ops/index.h
  // --------------------------------------------------------------

  /// `x[i]`: row `i` of the first dimension, as a view; negative `i` counts from the end.
  Tensor operator[](Size index) const;
  /// `x[mask]`, `x[indices]`: the elements or rows that a bool or integer tensor picks.
  Tensor operator[](const Tensor& index) const;
  /// `x.index({Slice{0, 5}, 2, mask})`: numbers, slices, tensors and masks together, as in NumPy.
  Tensor index(const std::vector<Index>& indices) const;
  const Tensor& index_put_(const std::vector<Index>& indices, const Tensor& values) const;
  Tensor gather(Size dim, const Tensor& index) const;
  Tensor index_select(Size dim, const Tensor& index) const;
  Tensor scatter_add(Size dim, const Tensor& index, const Tensor& source) const;
  Tensor masked_fill(const Tensor& mask, const Tensor& value) const;
  Tensor masked_select(const Tensor& mask) const;

  // --- elementwise: autograd/ops/pointwise.h
  // -------------------------------------------------------

  Tensor add(const Tensor& other) const;
  Tensor sub(const Tensor& other) const;
  Tensor mul(const Tensor& other) const;
  Tensor div(const Tensor& other) const;
  Tensor pow(const Tensor& exponent) const;
  Tensor neg() const;
  Tensor abs() const;
  Tensor exp() const;
  Tensor log() const;
  Tensor log1p() const;
  Tensor sqrt() const;
  Tensor rsqrt() const;
  Tensor square() const;
  Tensor reciprocal() const;
  Tensor sin() const;
  Tensor cos() const;
  Tensor tanh() const;
  Tensor sigmoid() const;
  Tensor relu() const;
  Tensor clamp(std::optional<double> min, std::optional<double> max = {}) const;
  Tensor maximum(const Tensor& other) const;
  Tensor minimum(const Tensor& other) const;
  Tensor eq(const Tensor& other) const;
  Tensor ne(const Tensor& other) const;
  Tensor lt(const Tensor& other) const;
  Tensor le(const Tensor& other) const;
  Tensor gt(const Tensor& other) const;
  Tensor ge(const Tensor& other) const;

  // --- in place, only where nothing is recorded: autograd/ops/pointwise.h
  // --------------------------

  const Tensor& add_(const Tensor& other) const;
  const Tensor& sub_(const Tensor& other) const;
  const Tensor& mul_(const Tensor& other) const;
  const Tensor& div_(const Tensor& other) const;
  const Tensor& clamp_(std::optional<double> min, std::optional<double> max = {}) const;
  const Tensor& fill_(const Tensor& value) const;
  const Tensor& zero_() const;
  const Tensor& copy_(const Tensor& source) const;
  const Tensor& operator+=(const Tensor& other) const { return add_(other); }
  const Tensor& operator-=(const Tensor& other) const { return sub_(other); }
  const Tensor& operator*=(const Tensor& other) const { return mul_(other); }
  const Tensor& operator/=(const Tensor& other) const { return div_(other); }

  // --- random numbers in place: autograd/ops/random.h
  // ----------------------------------------------

  const Tensor& uniform_(double low = 0, double high = 1) const;
  const Tensor& uniform_(double low, double high, Generator& generator) const;
  const Tensor& normal_(double mean = 0, double std = 1) const;
  const Tensor& normal_(double mean, double std, Generator& generator) const;

  // --- reductions: autograd/ops/reduce.h, softmax.h
  // ------------------------------------------------

  Tensor sum(const Dims& dims = {}, bool keepdim = false) const;
  Tensor mean(const Dims& dims = {}, bool keepdim = false) const;
  Tensor var(const Dims& dims = {}, Size correction = 1, bool keepdim = false) const;
  Tensor std(const Dims& dims = {}, Size correction = 1, bool keepdim = false) const;
  Tensor max() const;
  Tensor min() const;
  ValuesAndIndices max(Size dim, bool keepdim = false) const;
  ValuesAndIndices min(Size dim, bool keepdim = false) const;
  Tensor amax(const Dims& dims = {}, bool keepdim = false) const;
  Tensor amin(const Dims& dims = {}, bool keepdim = false) const;
  Tensor argmax(std::optional<Size> dim = {}, bool keepdim = false) const;
  Tensor argmin(std::optional<Size> dim = {}, bool keepdim = false) const;
  Tensor prod(const Dims& dims = {}, bool keepdim = false) const;
  Tensor logsumexp(const Dims& dims, bool keepdim = false) const;
  Tensor cumsum(Size dim) const;
  Tensor norm(double p = 2, const Dims& dims = {}, bool keepdim = false) const;
  Tensor any(const Dims& dims = {}, bool keepdim = false) const;
  Tensor all(const Dims& dims = {}, bool keepdim = false) const;
  Tensor softmax(Size dim) const;
  Tensor log_softmax(Size dim) const;

  // --- products: autograd/ops/matmul.h
  // -------------------------------------------------------------

  Tensor matmul(const Tensor& other) const;

  // --- for the library
  // -----------------------------------------------------------------------------

  /// Takes over one reference.
  explicit Tensor(detail::TensorImpl* impl) noexcept : impl_(impl) {}
  /// The body; throws when undefined.
  detail::TensorImpl& impl() const {
    if (impl_ == nullptr) [[unlikely]]
      undefined();
    return *impl_;
  }
  /// The body or null; keeps the reference.
  detail::TensorImpl* get() const noexcept { return impl_; }
  /// The body or null; gives the reference away.
  detail::TensorImpl* release() noexcept { return std::exchange(impl_, nullptr); }

 private:
  static detail::TensorImpl* number(DType dtype);
  [[noreturn]] static void undefined();
  [[noreturn]] void wrong_data_type(DType wanted) const;
  double item_as_double() const;
  std::int64_t item_as_integer() const;

  detail::TensorImpl* impl_ = nullptr;
};

/// How tensors are made: `zeros({2, 3}, {.dtype = float64, .requires_grad = true})`.
struct TensorOptions {
  std::optional<DType> dtype = {};  ///< float32 unless the values or the other tensor say otherwise
  bool requires_grad = false;       ///< whether the tape follows the new leaf
};

/// A tensor whose elements are not set yet.
REEL_API Tensor empty(const Shape& shape, const TensorOptions& options = {});

namespace detail {

/// An uninitialised tensor with these strides, which must be those of a dense layout (some
/// permutation of row-major).
REEL_API Tensor empty_strided(const Shape& shape, const Strides& strides, DType dtype);

/// An uninitialised tensor that keeps the memory order of `like` where that is dense, and is
/// row-major otherwise: how elementwise ops keep channels-last tensors channels-last.
REEL_API Tensor empty_like(const Tensor& like, DType dtype);

/// Whether the elements fill their memory without gaps or overlap, in any order of dimensions.
REEL_API bool is_dense(const Shape& shape, const Strides& strides);

/// A view of the same memory, outside the tape; `offset` in elements from `base`'s first.
REEL_API Tensor alias(const Tensor& base, const Shape& shape, const Strides& strides,
                      Size offset = 0);

/// Tells every view that the elements have changed.
inline void bump_version(const Tensor& tensor) {
  tensor.impl().storage->version.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace detail
}  // namespace reel
