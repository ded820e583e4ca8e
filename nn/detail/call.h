#pragma once

/// @file
/// What happens around the call of a layer: errors inside it name it, and a summary sees its
/// output.

#include <string>
#include <type_traits>
#include <typeinfo>

#include "reel/autograd/tensor.h"
#include "reel/base/detail/error_context.h"

namespace reel::nn::detail {

class Visitor;

/// A type of module, as far as an error message asks.
struct ModuleType : reel::detail::ErrorContext::Kind {
  const std::type_info* type;
  void (*walk)(const void* module, Visitor& visitor);
};

/// The line of an error message for the module that runs: its path in the outermost module around
/// it that knows it, its type and its required options.
REEL_API std::string describe_running(const reel::detail::ErrorContext& newest);

/// The walk over a module (nn/detail/walk.h), its type forgotten.
template <class M>
void walk_module(const void* module, Visitor& visitor);

template <class M>
inline constexpr ModuleType module_type{{describe_running}, &typeid(M), walk_module<M>};

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

/// Told what each layer returns, while a summary runs a sample through a module.
class REEL_API Observer {
 public:
  virtual ~Observer() = default;
  virtual void output(const void* module, const std::type_info& type, const Tensor& y) = 0;
};

extern REEL_API constinit thread_local Observer* observer;

/// Shows a layer's output to the observer, if there is one.
template <class M>
void observe(const M* layer, const Tensor& y) {
  if (observer != nullptr) [[unlikely]]
    observer->output(layer, typeid(M), y);
}

/// Runs a layer: what every `operator()` that returns one tensor is written with.
template <class M, class F>
Tensor call(const M* layer, F&& run) {
  const Running running(layer);
  Tensor y = run();
  observe(layer, y);
  return y;
}

}  // namespace reel::nn::detail
