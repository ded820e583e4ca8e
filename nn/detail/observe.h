#pragma once

#include <type_traits>
#include <typeinfo>

#include "reel/autograd/tensor.h"

namespace reel::nn::detail {

/// Told what each layer returns, while a summary runs a sample through a module.
class REEL_API Observer {
 public:
  virtual ~Observer() = default;
  virtual void output(const void* module, const std::type_info& type, const Tensor& y) = 0;
};

extern REEL_API constinit thread_local Observer* observer;

/// Shows a layer's output to the observer, if there is one, and returns it.
template <class M>
Tensor observe(const M* layer, Tensor y) {
  if (observer != nullptr) [[unlikely]]
    observer->output(layer, typeid(M), y);
  return y;
}

}  // namespace reel::nn::detail
