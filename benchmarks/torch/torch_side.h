#pragma once

#include <torch/torch.h>

#include "cases.h"

namespace bench {

/// A libtorch step of n calls of `f` with the case's threads.
template <class F>
Step torch_step(const Case& c, F f) {
  return repeat([threads = c.threads] { torch::set_num_threads(threads); }, std::move(f));
}

/// The same in inference mode.
template <class F>
Step torch_step_no_grad(const Case& c, F f) {
  return [step = torch_step(c, std::move(f))](std::int64_t n) {
    torch::InferenceMode inference;
    return step(n);
  };
}

template <class Make>
bool add_torch(const std::string& what, Make make) {
  return add_runner(torch_side, what, [make](const Case& c) -> Step {
    torch::set_num_threads(c.threads);
    torch::manual_seed(1);
    return make(c);
  });
}

}  // namespace bench
