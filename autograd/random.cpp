#include "reel/autograd/random.h"

#include <random>

#include "reel/kernels/random.h"

namespace reel {

std::uint64_t Generator::operator()() {
  const State at = take(1);
  std::uint32_t words[4];
  kernels::philox(at.seed, at.offset, words);
  return std::uint64_t{words[0]} << 32 | words[1];
}

Generator& default_generator() {
  static Generator generator([] {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
  }());
  return generator;
}

void manual_seed(std::uint64_t seed) { default_generator().manual_seed(seed); }

}  // namespace reel
