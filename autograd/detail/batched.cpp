#include "reel/autograd/detail/batched.h"

#include <algorithm>
#include <atomic>
#include <new>

#include "reel/base/fail.h"

namespace reel::detail {

constinit thread_local VmapFrame* innermost_vmap = nullptr;

namespace {

/// A number that no vmap of this process had: what has left one is not taken for another's.
Size next_level() {
  static std::atomic<Size> last = 0;
  return ++last;
}

}  // namespace

VmapFrame::VmapFrame(Size samples_, Randomness randomness_)
    : samples(samples_), randomness(randomness_), outer(innermost_vmap), level(next_level()) {
  innermost_vmap = this;
}

VmapFrame::~VmapFrame() { innermost_vmap = outer; }

bool any_batched(const std::vector<Tensor>& tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const Tensor& x) { return is_batched(x); });
}

Tensor make_batched(const Tensor& all, Size level) {
  const TensorImpl& from = all.impl();
  auto* body = new (allocate(sizeof(BatchedImpl))) BatchedImpl;
  Tensor sample(body);
  body->is_batched = true;
  body->dtype = from.dtype;
  body->device = from.device;
  body->followed = all.requires_grad() ? Followed::yes : Followed::no;
  body->shape = Shape(from.shape.begin() + 1, from.shape.end());
  body->strides = Strides(from.strides.begin() + 1, from.strides.end());
  body->numel = body->shape.numel();
  body->contiguous = is_contiguous(body->shape, body->strides);
  body->storage = from.storage;
  add_ref(body->storage->refs);
  body->all = all;
  body->level = level;
  return sample;
}

void destroy_batched(TensorImpl* impl) noexcept {
  auto* body = static_cast<BatchedImpl*>(impl);
  body->~BatchedImpl();
  deallocate(body, sizeof(BatchedImpl));
}

const Tensor& all_samples(const Tensor& x) {
  const Tensor* all = &x;
  while (is_batched(*all)) all = &batched(*all).all;
  return *all;
}

void refuse_batched(const char* op) {
  fail(
      op,
      "expected a tensor of its own, got one that stands for the samples of a vmap, for which this "
      "op has no rule\nhelp: call it outside of the function that vmap runs");
}

void refuse_walk(const char* name) {
  fail(name,
       "expected tensors outside of vmap, got one that stands for its samples\n"
       "help: inside the function that vmap runs, func::grad and func::vjp give the gradient of "
       "each sample");
}

}  // namespace reel::detail
