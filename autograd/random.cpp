#include "reel/autograd/random.h"

#include <random>
#include <utility>

#include "reel/autograd/detail/generator_scope.h"
#include "reel/kernels/random.h"

namespace reel {
namespace {

constinit thread_local Generator* scoped = nullptr;

}  // namespace

detail::GeneratorScope::GeneratorScope(const Generator::State& state)
    : generator_(state), outer_(std::exchange(scoped, &generator_)) {}

detail::GeneratorScope::~GeneratorScope() { scoped = outer_; }

std::uint64_t Generator::operator()() {
  const State at = take(1);
  std::uint32_t words[4];
  kernels::philox(at.seed, at.offset, words);
  return std::uint64_t{words[0]} << 32 | words[1];
}

Generator& default_generator() {
  if (scoped != nullptr) [[unlikely]]
    return *scoped;
  static Generator generator([] {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
  }());
  return generator;
}

void manual_seed(std::uint64_t seed) { default_generator().manual_seed(seed); }

}  // namespace reel
