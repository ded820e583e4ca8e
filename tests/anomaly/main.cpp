// Prints what an anomaly says; compiled with debug information and without.

#include <reel/reel.h>

#include <iostream>

namespace {

[[gnu::noinline]] reel::Tensor root_of_nothing(const reel::Tensor& x) {
  return sqrt(x * 0) * 0;  // line 10
}

}  // namespace

int main() {
  const reel::DetectAnomalyGuard detect;
  try {
    root_of_nothing(reel::ones({2}, {.requires_grad = true})).sum().backward();
  } catch (const reel::Error& error) {
    std::cout << error.what() << "\n";
  }
}
