#pragma once

/// @file
/// What happens around the call of a layer: errors inside it name it, hooks see what goes in and
/// comes out, a profile its time.

#include <array>
#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tensor.h"
#include "reel/base/detail/error_context.h"
#include "reel/nn/detail/module_call.h"
#include "reel/nn/hooks.h"

namespace reel::nn::detail {

/// The line of an error message for the module that runs: its path in the outermost module around
/// it that knows it, its type and its required options.
REEL_API std::string describe_running(const reel::detail::ErrorContext& newest);

template <class M>
inline constexpr ModuleType module_type{
    {describe_running}, &typeid(M), walk_module<M>, show_module<M>};

/// A module runs: for as long as this lives, errors name it.
class Running : public reel::detail::ErrorContext {
 public:
  template <class M>
  explicit Running(const M* module)
      : ErrorContext{&module_type<M>, reel::detail::error_context}, module_(module) {
    reel::detail::error_context = this;
  }
  ~Running() { reel::detail::error_context = outer; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  const void* module() const { return module_; }
  const ModuleType& type() const { return *static_cast<const ModuleType*>(kind); }

 private:
  const void* module_;
};

/// Whether the newest module that runs is this one: then a call of it is under way already.
template <class M>
bool is_running(const M* module) {
  const reel::detail::ErrorContext* newest = reel::detail::error_context;
  return newest != nullptr && newest->kind == &module_type<M> &&
         static_cast<const Running*>(newest)->module() == module;
}

/// The range of a module in a profile that records layers.
class LayerRange {
 public:
  explicit LayerRange(const Running& running) : open_(reel::detail::is_profiling_layers()) {
    if (open_) [[unlikely]]
      begin(running);
  }
  ~LayerRange() {
    if (open_) [[unlikely]]
      reel::detail::end_event();
  }
  LayerRange(const LayerRange&) = delete;
  LayerRange& operator=(const LayerRange&) = delete;

 private:
  REEL_API static void begin(const Running& running);

  bool open_;
};

/// The hooks of a module, null where it has no field for them.
template <class M>
const Hooks* hooks_of(const M& module) {
  if constexpr (takes_hooks<M>)
    return &module.hooks;
  else
    return nullptr;
}

/// Whether somebody wants to see a call of a module with these hooks.
inline bool is_watched(const Hooks* hooks) {
  return marks_of_all.load(std::memory_order_relaxed) != 0 || (hooks != nullptr && !hooks->empty());
}

class Backward;

/// A call that hooks see: runs those that come before the module, and, when told what it has
/// returned, those that come after it.
class REEL_API WatchedCall {
 public:
  WatchedCall(const ModuleType& type, const void* module, const Hooks* hooks,
              std::span<const Value> inputs);
  ~WatchedCall();
  WatchedCall(const WatchedCall&) = delete;
  WatchedCall& operator=(const WatchedCall&) = delete;

  void returned(const Value& output);

 private:
  ModuleCall call_;
  std::shared_ptr<HookTable> own_;  // null where the module has none
  std::shared_ptr<Backward> backward_;
};

/// Runs a module with its hooks. It is called once more, with what they have made of its input, and
/// its door then lets pass.
template <class M, class... Inputs>
[[gnu::cold, gnu::noinline]] auto call_watched(M& module, const Hooks* hooks,
                                               const Inputs&... given) {
  std::tuple<Inputs...> inputs(given...);
  return std::apply(
      [&](Inputs&... input) {
        const std::array<Value, sizeof...(Inputs)> values{value_of(input)...};
        WatchedCall call(module_type<std::remove_const_t<M>>, &module, hooks, values);
        auto y = module(std::as_const(input)...);
        call.returned(value_of(y));
        return y;
      },
      inputs);
}

template <class M, class F, class... Inputs>
auto call_with_hooks(const Hooks* hooks, M* module, F&& run, const Inputs&... inputs) {
  static_assert(
      std::is_invocable_v<M&, const Inputs&...>,
      "Reel: nn::call takes a module, what it does, and all that its operator() is given: "
      "nn::call(this, [&] { return x + fc(x); }, x)");
  if (is_running(static_cast<const M*>(module))) return run();
  const Running running(static_cast<const M*>(module));
  const LayerRange range(running);
  if (is_watched(hooks)) [[unlikely]]
    return call_watched(*module, hooks, inputs...);
  return run();
}

/// Runs a module: the one door through which every layer is called, with its `operator()` as `run`,
/// and `inputs` what that was given. Whoever calls modules that may be a user's comes through it
/// too; the door of the module itself, if it has one, then lets pass.
template <class M, class F, class... Inputs>
auto call(M* module, F&& run, const Inputs&... inputs) {
  return call_with_hooks(hooks_of(*module), module, std::forward<F>(run), inputs...);
}

}  // namespace reel::nn::detail
