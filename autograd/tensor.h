#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reel/autograd/detail/tensor_impl.h"
#include "reel/base/device.h"
#include "reel/base/dtype.h"
#include "reel/base/error.h"
#include "reel/base/export.h"
#include "reel/base/shape.h"

namespace reel {

class Generator;
class Indexed;
struct BackwardOptions;
struct Index;
struct ValuesAndIndices;
class HookHandle;

/// A C++ number that a tensor can be made from or read as.
template <class T>
concept Number = std::is_arithmetic_v<T>;

namespace detail {

struct IndexPlan;

[[noreturn]] REEL_API void number_too_large(std::uint64_t value);

/// A number as tensors are made from it, whatever its width: a bool, an int64 or a double.
/// Throws for an unsigned one beyond int64.
template <Number T>
constexpr auto widen(T value) {
  if constexpr (std::same_as<T, bool>) {
    return value;
  } else if constexpr (std::floating_point<T>) {
    return static_cast<double>(value);
  } else {
    if constexpr (std::unsigned_integral<T> && sizeof(T) == 8) {
      if (value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) number_too_large(value);
    }
    return static_cast<std::int64_t>(value);
  }
}

}  // namespace detail

/// An n-dimensional array with a run-time dtype that remembers, where asked to, how it was
/// computed.
///
/// A `Tensor` is a handle: copies share the elements, as in PyTorch; `clone()` copies them.
/// Methods and free functions are the same (`x.sum(1)`, `sum(x, 1)`); the documentation stands with
/// the free functions in `ops/`.
class REEL_API Tensor {
 public:
  /// An undefined tensor: "no tensor here". Every op rejects it.
  Tensor() = default;

  /// A 0-d tensor from a C++ number: what makes `2 * x`, `maximum(x, 0)` and `Tensor loss = 0.0`
  /// work. It is a bool, an int64 or a float64, whatever the width of the C++ type. In a mixed
  /// operation it counts by its kind only (bool < integer < floating), so `x * 2.0` keeps the dtype
  /// of a float32 `x`. Throws for an unsigned integer beyond int64.
  template <Number T>
  Tensor(T value) : Tensor(number(detail::widen(value))) {}

  /// Another handle of the same tensor.
  Tensor(const Tensor& other) noexcept : impl_(other.impl_) {
    if (impl_ != nullptr) detail::add_ref(impl_->refs);
  }
  /// Takes over the handle; `other` becomes undefined.
  Tensor(Tensor&& other) noexcept : impl_(std::exchange(other.impl_, nullptr)) {}
  /// `x = y` makes the variable `x` a handle of `y`'s tensor.
  Tensor& operator=(const Tensor& other) & noexcept {
    Tensor(other).swap(*this);
    return *this;
  }
  /// The same, taking over the handle.
  Tensor& operator=(Tensor&& other) & noexcept {
    Tensor(std::move(other)).swap(*this);
    return *this;
  }
  /// `x[1] = 5`, `x.slice(0, 0, 2) = y`: what is assigned to on the spot, without a name, is
  /// written to. The values are broadcast and converted to its dtype, as by `copy_` and `fill_`.
  ///
  /// Throws as those do, and when nothing else shares the elements: nobody could see what is
  /// written.
  const Tensor& operator=(const Tensor& values) &&;
  ~Tensor() { detail::drop(impl_); }

  /// Exchanges the handles, not the elements.
  void swap(Tensor& other) noexcept { std::swap(impl_, other.impl_); }

  // ---- what it is

  /// Whether there is a tensor behind this handle.
  bool defined() const { return impl_ != nullptr; }
  /// Whether both handles share one tensor.
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }

  /// The number of dimensions.
  Size dim() const { return impl().shape.size(); }
  /// The number of elements; 1 for a 0-d tensor.
  Size numel() const { return impl().numel; }
  /// The type of the elements.
  DType dtype() const { return impl().dtype; }
  /// Where the elements lie: on the CPU, which is the only device so far. Follows
  /// `torch.Tensor.device`.
  Device device() const { return impl().device; }
  /// The size of each dimension.
  const Shape& shape() const { return impl().shape; }
  void shape(Size) const = delete;  // one size: write size(0); all of them: shape()
  /// The distance between neighbours along each dimension, in elements; 0 where it is expanded.
  const Strides& strides() const { return impl().strides; }
  void size() const = delete;  // write numel(), or size(dim) for one dimension, or shape()
  /// The size of one dimension; negative ones count from the end.
  Size size(Size dim) const { return shape()[detail::wrap_dim("size", dim, this->dim())]; }
  /// The stride of one dimension; negative ones count from the end.
  Size stride(Size dim) const { return strides()[detail::wrap_dim("stride", dim, this->dim())]; }
  /// Where the first element lies in the memory that it shares with its views, in elements. Follows
  /// `torch.Tensor.storage_offset`.
  Size storage_offset() const;
  /// Whether the elements lie in row-major order without gaps.
  bool is_contiguous() const { return impl().contiguous; }
  /// Whether gradients can flow through it.
  bool is_floating_point() const { return is_floating(dtype()); }
  /// How often the elements were changed in place; shared by all views of the same memory.
  std::uint32_t version() const { return impl().storage->version.load(std::memory_order_relaxed); }

  /// The first element. Elements follow `strides()`. Writing through it bypasses the tape.
  /// Throws `[data_ptr] expected data_ptr<float>, as the tensor is float32, got data_ptr<double>`.
  template <Number T>
  T* data_ptr() const {
    if (impl().dtype != dtype_of<T> || impl_->is_batched) wrong_data_type(dtype_of<T>);
    return reinterpret_cast<T*>(impl_->data);
  }

  /// The value of a tensor with one element, converted to `T`: to integers towards zero, to bool by
  /// "not zero". Throws when there is more or less than one, and when an integer type cannot hold
  /// the value.
  template <Number T = double>
  T item() const {
    if constexpr (std::same_as<T, bool>) {
      return item_as_bool();
    } else if constexpr (std::floating_point<T>) {
      return static_cast<T>(item_as_double());
    } else {
      using Limits = std::numeric_limits<T>;
      constexpr auto most = sizeof(T) == 8 ? std::numeric_limits<std::int64_t>::max()
                                           : static_cast<std::int64_t>(Limits::max());
      return static_cast<T>(item_as_integer(Limits::min(), most));
    }
  }

  // ---- its place on the tape

  /// Whether the tape follows what is computed from it; false when undefined.
  bool requires_grad() const { return impl_ != nullptr && impl_->requires_grad(); }
  /// Asks the tape to follow what is computed from this leaf; returns the tensor itself.
  /// Throws for integer tensors, and when a computed tensor is told to stop.
  const Tensor& requires_grad_(bool value = true) const;
  /// Whether no recorded op made it: a parameter, or a tensor off the tape.
  bool is_leaf() const { return impl().current() == nullptr; }
  /// The accumulated gradient of a leaf, or of a tensor that was told to `retain_grad`; undefined
  /// before the first `backward`.
  Tensor grad() const;
  /// Replaces the accumulated gradient; an undefined tensor clears it.
  void set_grad(const Tensor& gradient) const;
  /// From now on `backward` adds the gradient of this result of an op to its `grad()`, as it does
  /// for leaves, on which this does nothing. Follows `torch.Tensor.retain_grad`.
  /// Throws when the tensor does not require gradients.
  void retain_grad() const;
  /// Whether it was told to, and is no leaf.
  bool retains_grad() const;
  /// Calls `hook(dy)` with the whole gradient of this tensor whenever a walk over the tape has it,
  /// and goes on with what the hook returns, if it returns a tensor; of a leaf, before it is added to
  /// `grad()`. Hooks run in the order in which they came, on the thread of the walk, recorded under
  /// `create_graph` only. Defined in `autograd/hooks.h`. Follows `torch.Tensor.register_hook`.
  ///
  /// Throws when the tensor does not require gradients; backward throws when a hook returns another
  /// shape or dtype.
  ///
  /// **Example**
  /// ```cpp
  /// HookHandle clip = hidden.register_hook([](const Tensor& dy) { return dy.clamp(-1, 1); });
  /// clip.remove();
  /// ```
  template <class Hook>
  HookHandle register_hook(Hook hook) const;
  /// Calls `hook(leaf)` whenever `backward` has added the whole gradient of this leaf to its
  /// `grad()`, while other gradients are still on their way: there is the place to update the
  /// parameter and drop its gradient, or to send it to other machines. Defined in
  /// `autograd/hooks.h`. Follows `torch.Tensor.register_post_accumulate_grad_hook`.
  /// Throws when the tensor is no leaf or does not require gradients.
  template <class Hook>
  HookHandle register_post_accumulate_grad_hook(Hook hook) const;
  /// The name of the op that made this tensor; "" for a leaf.
  const char* op_name() const;
  /// Walks the tape from this scalar and adds up the gradients of the leaves it came from.
  void backward() const;
  /// The same from any tensor, given its gradient, or to chosen leaves; see `BackwardOptions`.
  void backward(const BackwardOptions& options) const;
  /// The same elements, outside the tape: what is written there in place is seen here, but the tape
  /// does not know that.
  Tensor detach() const;

  /// @name Layout and dtype
  /// @{

  /// As the free function of that name, of this tensor; see `ops/shape/view.h`.
  Tensor to(DType dtype) const;
  Tensor clone() const;
  Tensor sum_to_size(const Shape& shape) const;
  Tensor contiguous() const;
  Tensor view(const Shape& shape) const;
  template <class... Sizes>
    requires detail::LooseSizes<Sizes...>
  void view(Sizes...) const {
    static_assert(detail::never<Sizes...>, "write the sizes in braces: view({2, 3})");
  }
  Tensor reshape(const Shape& shape) const;
  template <class... Sizes>
    requires detail::LooseSizes<Sizes...>
  void reshape(Sizes...) const {
    static_assert(detail::never<Sizes...>, "write the sizes in braces: reshape({2, 3})");
  }
  Tensor flatten(Size start_dim = 0, Size end_dim = -1) const;
  Tensor squeeze() const;
  Tensor squeeze(Size dim) const;
  Tensor unsqueeze(Size dim) const;
  Tensor transpose(Size dim0, Size dim1) const;
  Tensor t() const;
  Tensor permute(const Dims& dims) const;
  template <class... Sizes>
    requires detail::LooseSizes<Sizes...>
  void permute(Sizes...) const {
    static_assert(detail::never<Sizes...>, "write the dimensions in braces: permute({0, 2, 1})");
  }
  Tensor expand(const Shape& shape) const;
  template <class... Sizes>
    requires detail::LooseSizes<Sizes...>
  void expand(Sizes...) const {
    static_assert(detail::never<Sizes...>, "write the sizes in braces: expand({2, 3})");
  }
  Tensor expand_as(const Tensor& other) const;
  Tensor as_strided(const Shape& shape, const Strides& strides,
                    std::optional<Size> storage_offset = {}) const;
  Tensor narrow(Size dim, Size start, Size length) const;
  Tensor slice(Size dim, std::optional<Size> start = {}, std::optional<Size> end = {},
               Size step = 1) const;
  Tensor select(Size dim, Size index) const;
  std::vector<Tensor> split(Size split_size, Size dim = 0) const;
  std::vector<Tensor> chunk(Size chunks, Size dim = 0) const;
  std::vector<Tensor> unbind(Size dim = 0) const;
  /// @}

  // ---- indexing: ops/index/index.h

  /// `x[i]`: row `i` of the first dimension, as a view; negative `i` counts from the end.
  Tensor operator[](Size index) const;
  /// `x[mask]`, `x[indices]`: the elements or rows that a bool or integer tensor picks, as a copy;
  /// `x[mask] = 0` and `x[mask] += 1` write to `x`.
  Indexed operator[](const Tensor& index) const;
  template <class... Indices>
  void operator()(Indices...) const = delete;  // write x[0][1], or x.index({0, 1})
  /// `x.index({Slice{0, 5}, 2, mask})`: numbers, slices, tensors and masks together, as in NumPy.
  /// `x.index({...}) = y` writes to `x`.
  Indexed index(const std::vector<Index>& indices) const;

  /// @name Picking entries
  /// @{

  /// As the free function of that name, of this tensor; see `ops/index/index.h`.
  const Tensor& index_put_(const std::vector<Index>& indices, const Tensor& values) const;
  Tensor gather(Size dim, const Tensor& index) const;
  Tensor index_select(Size dim, const Tensor& index) const;
  Tensor scatter_add(Size dim, const Tensor& index, const Tensor& source) const;
  Tensor masked_fill(const Tensor& mask, const Tensor& value) const;
  Tensor masked_select(const Tensor& mask) const;
  /// @}

  /// @name Elementwise
  /// @{

  /// As the free function of that name, of this tensor; see `ops/pointwise/pointwise.h`.
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
  Tensor relu() const&;
  Tensor relu() &&;
  Tensor clamp(const Tensor& min) const;
  Tensor clamp(const Tensor& min, const Tensor& max) const;
  Tensor maximum(const Tensor& other) const;
  Tensor minimum(const Tensor& other) const;
  Tensor eq(const Tensor& other) const;
  Tensor ne(const Tensor& other) const;
  Tensor lt(const Tensor& other) const;
  Tensor le(const Tensor& other) const;
  Tensor gt(const Tensor& other) const;
  Tensor ge(const Tensor& other) const;
  /// @}

  /// @name In place
  /// @{

  /// Changes and returns this tensor; see the function of that name in `ops/pointwise/in_place.h`.
  const Tensor& add_(const Tensor& other) const;
  const Tensor& sub_(const Tensor& other) const;
  const Tensor& mul_(const Tensor& other) const;
  const Tensor& div_(const Tensor& other) const;
  const Tensor& pow_(const Tensor& exponent) const;
  const Tensor& neg_() const;
  const Tensor& abs_() const;
  const Tensor& exp_() const;
  const Tensor& log_() const;
  const Tensor& sqrt_() const;
  const Tensor& rsqrt_() const;
  const Tensor& square_() const;
  const Tensor& reciprocal_() const;
  const Tensor& tanh_() const;
  const Tensor& sigmoid_() const;
  const Tensor& relu_() const;
  const Tensor& clamp_(const Tensor& min) const;
  const Tensor& clamp_(const Tensor& min, const Tensor& max) const;
  const Tensor& fill_(const Tensor& value) const;
  const Tensor& zero_() const;
  const Tensor& copy_(const Tensor& source) const;
  const Tensor& masked_fill_(const Tensor& mask, const Tensor& value) const;
  const Tensor& operator+=(const Tensor& other) const { return add_(other); }
  const Tensor& operator-=(const Tensor& other) const { return sub_(other); }
  const Tensor& operator*=(const Tensor& other) const { return mul_(other); }
  const Tensor& operator/=(const Tensor& other) const { return div_(other); }
  /// @}

  // ---- random numbers in place

  /// Numbers spread evenly over `[low, high)`. Throws for an integer dtype, and unless
  /// `low <= high` and both are finite.
  const Tensor& uniform_(double low = 0, double high = 1) const;
  /// The same, drawn from `generator`.
  const Tensor& uniform_(double low, double high, Generator& generator) const;
  /// Normal numbers of this mean and standard deviation. Throws as `normal` does.
  const Tensor& normal_(double mean = 0, double std = 1) const;
  /// The same, drawn from `generator`.
  const Tensor& normal_(double mean, double std, Generator& generator) const;

  /// @name Reductions
  /// @{

  /// As the free function of that name, of this tensor; see `ops/reduce/reduce.h`.
  Tensor sum(const Dims& dims = {}, bool keepdim = false) const;
  Tensor mean(const Dims& dims = {}, bool keepdim = false) const;
  Tensor var(const Dims& dims = {}, Size correction = 1, bool keepdim = false) const;
  Tensor std(const Dims& dims = {}, Size correction = 1, bool keepdim = false) const;
  Tensor max() const;
  Tensor min() const;
  ValuesAndIndices max(Size dim, bool keepdim = false) const;
  ValuesAndIndices min(Size dim, bool keepdim = false) const;
  ValuesAndIndices sort(Size dim = -1, bool descending = false) const;
  Tensor argsort(Size dim = -1, bool descending = false) const;
  ValuesAndIndices topk(Size k, Size dim = -1, bool largest = true) const;
  ValuesAndIndices median(Size dim, bool keepdim = false) const;
  Tensor median() const;
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
  /// @}

  // ---- products: ops/matmul/matmul.h

  /// As `matmul(x, other)`; see `ops/matmul/matmul.h`.
  Tensor matmul(const Tensor& other) const;

  // ---- for the library

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
  static detail::TensorImpl* number(bool value);
  static detail::TensorImpl* number(std::int64_t value);
  static detail::TensorImpl* number(double value);
  [[noreturn]] static void undefined();
  [[noreturn]] void wrong_data_type(DType wanted) const;
  bool item_as_bool() const;
  double item_as_double() const;
  std::int64_t item_as_integer(std::int64_t least, std::int64_t most) const;

  detail::TensorImpl* impl_ = nullptr;
};

/// What `x[mask]`, `x[indices]` and `x.index({...})` return: a tensor like any other, which writes
/// to `x` when it is assigned to on the spot.
///
/// It keeps `x` alive; `Tensor rows = x[indices]` does not.
class REEL_API Indexed : public Tensor {
 public:
  /// Entries that are a view of the indexed tensor, or, given a plan, a copy of its entries.
  explicit Indexed(Tensor entries, std::shared_ptr<const detail::IndexPlan> plan = nullptr)
      : Tensor(std::move(entries)), plan_(std::move(plan)) {}

  Indexed(const Indexed&) = default;
  Indexed(Indexed&&) = default;
  Indexed& operator=(const Indexed&) & = default;
  Indexed& operator=(Indexed&&) & = default;
  /// The variable becomes a handle of another tensor.
  Indexed& operator=(Tensor other) & { return *this = Indexed(std::move(other)); }

  /// `x[mask] = values`, as `x.index_put_({mask}, values)`.
  const Tensor& operator=(const Tensor& values) &&;
  /// The same, from entries of another tensor.
  const Tensor& operator=(const Indexed& values) && {
    return std::move(*this) = static_cast<const Tensor&>(values);
  }

  /// @name Arithmetic on a variable
  /// @{

  /// As for any tensor: changes these entries, which may be a copy of those of `x`.
  const Tensor& operator+=(const Tensor& other) const& { return add_(other); }
  const Tensor& operator-=(const Tensor& other) const& { return sub_(other); }
  const Tensor& operator*=(const Tensor& other) const& { return mul_(other); }
  const Tensor& operator/=(const Tensor& other) const& { return div_(other); }
  /// @}

  /// @name Arithmetic on the spot
  /// @{

  /// `x[indices] += other`, as `x[indices] = x[indices] + other`: an entry that is picked twice is
  /// changed once.
  const Tensor& operator+=(const Tensor& other) && { return put(add_(other)); }
  const Tensor& operator-=(const Tensor& other) && { return put(sub_(other)); }
  const Tensor& operator*=(const Tensor& other) && { return put(mul_(other)); }
  const Tensor& operator/=(const Tensor& other) && { return put(div_(other)); }
  /// @}

 private:
  const Tensor& put(const Tensor& values) const;

  std::shared_ptr<const detail::IndexPlan> plan_;
};

/// How tensors are made: `zeros({2, 3}, {.dtype = float64, .requires_grad = true})`.
struct TensorOptions {
  std::optional<DType> dtype = {};  ///< float32 unless the values or the other tensor say otherwise
  bool requires_grad = false;       ///< whether the tape follows the new leaf
};

/// A tensor whose elements are not set yet.
REEL_API Tensor empty(const Shape& shape, const TensorOptions& options = {});
template <class... Sizes>
  requires detail::LooseSizes<Sizes...>
void empty(Sizes...) {
  static_assert(detail::never<Sizes...>, "write the sizes in braces: empty({2, 3})");
}

namespace detail {

/// An uninitialised row-major tensor. `op` is what the user called: it is named where the shape is
/// none that a tensor may have.
REEL_API Tensor new_tensor(const char* op, const Shape& shape, DType dtype);

/// An uninitialised tensor with these strides, which must be those of a dense layout (some
/// permutation of row-major).
REEL_API Tensor empty_strided(const Shape& shape, const Strides& strides, DType dtype,
                              const char* op = "empty");

/// An uninitialised tensor that keeps the memory order of `like` where that is dense, and is
/// row-major otherwise: how elementwise ops keep channels-last tensors channels-last.
REEL_API Tensor empty_like(const Tensor& like, DType dtype);

/// Whether the elements fill their memory without gaps or overlap, in any order of dimensions.
REEL_API bool is_dense(const Shape& shape, const Strides& strides);

/// Another tensor in the same memory, which the tape takes for one of its own; `offset` in elements
/// from `base`'s first.
REEL_API Tensor alias(const Tensor& base, const Shape& shape, const Strides& strides,
                      Size offset = 0);

/// The same as a view, for an op that is to record it: what ops on the tape write in place to either
/// is in the history of both.
REEL_API Tensor view_of(const Tensor& x, const Shape& shape, const Strides& strides,
                        Size offset = 0);

/// Tells every view that `op` has changed the elements.
inline void bump_version(const Tensor& tensor, const char* op) {
  Storage& storage = *tensor.impl().storage;
  storage.version.fetch_add(1, std::memory_order_relaxed);
  storage.last_writer.store(op, std::memory_order_relaxed);
}

}  // namespace detail
}  // namespace reel
