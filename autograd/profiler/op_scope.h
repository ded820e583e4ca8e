#pragma once

// Internal: how ops, the engine, optimizers and loaders tell the profiler that they run.
//
// A marker has to stand where an op begins, for a time needs a start; `record`, where an op joins
// the tape, is too late, and ops run without the tape too. So the marker is an object at the head
// of what all ops of a family share: `elementwise`, which has the op's name already, covers every
// pointwise op, forward and backward; `Reduced` every reduction; the engine every backward rule.
// Other ops begin with a line `const detail::OpScope scope("cat");`. A helper may mark itself too:
// an op that at once runs another of its own name is counted as one.
//
// While nobody profiles a marker costs a load and a branch, next to an op's 50 ns nothing that can
// be measured.

#include <atomic>
#include <concepts>
#include <cstdint>
#include <string_view>

#include "reel/autograd/detail/batched.h"
#include "reel/autograd/tensor.h"
#include "reel/base/export.h"

namespace reel::detail {

/// The number of the profile that is recording, 0 when none is.
extern REEL_API constinit std::atomic<std::uint32_t> profiling;

inline bool is_profiling() { return profiling.load(std::memory_order_relaxed) != 0; }

/// Whether that profile records the calls of layers, too.
extern REEL_API constinit std::atomic<bool> profiling_layers;

inline bool is_profiling_layers() { return profiling_layers.load(std::memory_order_relaxed); }

/// What an event is; its name goes on accordingly: `mul`, `mul backward`, `Adam.step`.
enum class EventKind : std::uint8_t { op, backward, step, zero_grad, range };

/// Opens an event on this thread; each needs its `end_event`.
[[gnu::cold]] REEL_API void begin_event(EventKind kind, std::string_view name);
/// Adds the shape of an input to the youngest open event, if shapes are recorded.
[[gnu::cold]] REEL_API void add_input(const Tensor& input);
/// Closes the youngest open event.
[[gnu::cold]] REEL_API void end_event() noexcept;

/// One op, as long as it lives. Where an input stands for the samples of a vmap, the op has no rule
/// for that, and the scope throws.
class OpScope {
 public:
  template <std::derived_from<Tensor>... Tensors>
  explicit OpScope(const char* name, const Tensors&... inputs) : open_(is_profiling()) {
    check_not_batched(name, inputs...);
    if (open_) [[unlikely]] {
      begin_event(EventKind::op, name);
      (add_input(inputs), ...);
    }
  }
  OpScope(EventKind kind, const char* name) : open_(is_profiling()) {
    if (open_) [[unlikely]]
      begin_event(kind, name);
  }
  ~OpScope() {
    if (open_) [[unlikely]]
      end_event();
  }
  OpScope(const OpScope&) = delete;
  OpScope& operator=(const OpScope&) = delete;

  /// Whether a profile records this op.
  explicit operator bool() const { return open_; }

 private:
  bool open_;
};

}  // namespace reel::detail
