#pragma once

#include <reel/reel.h>

#include "cases.h"

namespace bench {

/// Random images [n, channels, side, side] that lie as convolutions give and take them.
inline reel::Tensor random_images(reel::Size n, reel::Size channels, reel::Size side) {
  return reel::randn({n, side, side, channels}).permute({0, 3, 1, 2});
}

/// A Reel step of n calls of `f` with the case's threads.
template <class F>
Step reel_step(const Case& c, F f) {
  return repeat([threads = c.threads] { reel::set_num_threads(threads); }, std::move(f));
}

/// The same off the tape.
template <class F>
Step reel_step_no_grad(const Case& c, F f) {
  return [step = reel_step(c, std::move(f))](std::int64_t n) {
    reel::NoGradGuard no_grad;
    return step(n);
  };
}

template <class Make>
bool add_reel(const std::string& what, Make make) {
  return add_runner(reel_side, what, [make](const Case& c) -> Step {
    reel::set_num_threads(c.threads);
    reel::manual_seed(1);
    return make(c);
  });
}

}  // namespace bench
