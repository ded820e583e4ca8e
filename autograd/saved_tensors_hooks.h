#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "reel/autograd/detail/tape_state.h"
#include "reel/autograd/tensor.h"
#include "reel/base/export.h"

namespace reel {

namespace detail {

/// The two functions, the type between them forgotten.
struct PackHooks {
  std::function<std::shared_ptr<const void>(const Tensor&)> pack;
  std::function<Tensor(const void*)> unpack;
};

class Node;
/// Packs what a node that has just been recorded has saved.
void pack_saved(Node& node);

}  // namespace detail

/// While it lives, what this thread's ops save for backward goes through `pack`, and what `pack`
/// returned, of any type, is kept instead; when backward needs the tensor, `unpack` makes it again:
/// from a smaller copy, a file, another run. Both are called outside the tape; gradients of gradients
/// flow all the same. The tensor that `pack` is given is not to be changed, and parameters come too:
/// `pack` may let pass what it likes by keeping the tensor itself. Of nested ones the innermost counts.
/// Follows `torch.autograd.graph.saved_tensors_hooks`.
///
/// Backward throws when `unpack` returns another shape or dtype.
///
/// **Example**
/// ```cpp
/// SavedTensorsHooks half{[](const Tensor& x) { return x.to(float32); },
///                        [](const Tensor& x) { return x.to(float64); }};
/// ```
class SavedTensorsHooks {
 public:
  /// `pack` takes a tensor, `unpack` what `pack` returns.
  template <class Pack, class Unpack>
  SavedTensorsHooks(Pack pack, Unpack unpack) {
    static_assert(std::is_invocable_v<Pack&, const Tensor&>,
                  "pack takes the tensor that is saved: [](const Tensor& x) { return ...; }");
    using Packed = std::decay_t<std::invoke_result_t<Pack&, const Tensor&>>;
    static_assert(!std::is_void_v<Packed>, "pack returns what is to be kept of the tensor");
    static_assert(std::is_invocable_r_v<Tensor, Unpack&, const Packed&>,
                  "unpack takes what pack returns, and returns the tensor");
    hooks_ = std::make_shared<const detail::PackHooks>(detail::PackHooks{
        [pack = std::move(pack)](const Tensor& x) mutable -> std::shared_ptr<const void> {
          return std::make_shared<const Packed>(pack(x));
        },
        [unpack = std::move(unpack)](const void* packed) mutable -> Tensor {
          return unpack(*static_cast<const Packed*>(packed));
        }});
    before_ = std::exchange(detail::tape.packing, &hooks_);
  }
  ~SavedTensorsHooks() { detail::tape.packing = before_; }
  SavedTensorsHooks(const SavedTensorsHooks&) = delete;
  SavedTensorsHooks& operator=(const SavedTensorsHooks&) = delete;

 private:
  std::shared_ptr<const detail::PackHooks> hooks_;
  const std::shared_ptr<const detail::PackHooks>* before_;
};

}  // namespace reel
