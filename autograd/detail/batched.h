#pragma once

// Internal: what `func::vmap` hands to a function that was written for one sample.
//
// Such a tensor looks like one sample and stands for all of them. It is never on the tape: an op that
// is given one runs on all samples at once, by ops that are recorded as ever, and so needs a rule for
// its values only. The rules stand beside the ops, see ops/support/samples.h.

#include <cstdint>
#include <utility>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel::detail {

/// The body of such a tensor. It has the memory of `all`, for its version, but no elements: an op
/// without a rule cannot take the first sample for what was meant.
struct BatchedImpl final : TensorImpl {
  Tensor all;      // the samples, along dimension 0; to an outer vmap this may be a sample itself
  Size level = 0;  // of the vmap it belongs to
};

/// What drawing random numbers does inside a vmap.
enum class Randomness : std::uint8_t { error, same, different };

/// A vmap that runs on this thread, as long as it lives: the innermost.
class REEL_API VmapFrame {
 public:
  VmapFrame(Size samples, Randomness randomness);
  ~VmapFrame();
  VmapFrame(const VmapFrame&) = delete;
  VmapFrame& operator=(const VmapFrame&) = delete;

  const Size samples;
  const Randomness randomness;
  VmapFrame* const outer;
  const Size level;  // greater than that of `outer`
};

/// The innermost vmap of this thread; null outside.
extern REEL_API constinit thread_local VmapFrame* innermost_vmap;

/// While it lives, this thread is outside of its innermost vmap, or of all of them.
class OutsideVmap {
 public:
  explicit OutsideVmap(VmapFrame* now) : inside_(std::exchange(innermost_vmap, now)) {}
  OutsideVmap() : OutsideVmap(innermost_vmap->outer) {}
  ~OutsideVmap() { innermost_vmap = inside_; }
  OutsideVmap(const OutsideVmap&) = delete;
  OutsideVmap& operator=(const OutsideVmap&) = delete;

 private:
  VmapFrame* inside_;
};

inline bool is_batched(const Tensor& x) { return x.get() != nullptr && x.get()->is_batched; }
template <class... Tensors>
bool any_batched(const Tensors&... tensors) {
  return (is_batched(tensors) || ...);
}
REEL_API bool any_batched(const std::vector<Tensor>& tensors);

/// The body of a tensor that is batched.
inline const BatchedImpl& batched(const Tensor& x) {
  return static_cast<const BatchedImpl&>(*x.get());
}

/// A tensor that stands for the entries of `all` along dimension 0, which there must be.
REEL_API Tensor make_batched(const Tensor& all, Size level);

/// All elements of all samples: of the outermost vmap first. Where they are to be looked at, not to
/// be computed with.
REEL_API const Tensor& all_samples(const Tensor& x);

/// Throws `[sort] expected ...`: the op has no rule for such tensors.
[[noreturn]] REEL_API void refuse_batched(const char* op);
/// The same for a walk over the tape, for which `func` has other forms.
[[noreturn]] REEL_API void refuse_walk(const char* name);
template <class... Tensors>
void check_not_batched(const char* op, const Tensors&... tensors) {
  if (any_batched(tensors...)) [[unlikely]]
    refuse_batched(op);
}
inline void check_not_batched(const char* op, const std::vector<Tensor>& tensors) {
  for (const Tensor& x : tensors) check_not_batched(op, x);
}

/// Frees what a batched tensor has beside other bodies.
void destroy_batched(TensorImpl* impl) noexcept;

}  // namespace reel::detail
